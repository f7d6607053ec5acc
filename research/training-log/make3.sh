#!/bin/sh
# compact-v3 again, run 4 of training-log.md, from compact-v2: sh make3.sh RECORDINGS WORK COMPACT_V2
# COMPACT_V2 is what make.sh writes; WORK is not its.
# Needs what make.sh needs, and musescore-general-soundfont; about 2 hours on 2 cores.
set -eu
here=$(dirname "$0") recordings=$1 work=$2 start=$3
python "$here/prepare.py" "$recordings" "$work/real"
python "$here/disguise.py" "$work/real/voices/train"
rm "$work/real/speakers/eif_caesium_bgvox_high-0.flac" # nothing in it can be sung
vocalsep data synth --minutes 90 --seed 303 -o "$work/synth3"
vocalsep data synth --minutes 201 --seed 404 --voices "$work/real/speakers" -o "$work/synth4"
for synth in synth3 synth4; do
    python "$here/pair.py" "$work/$synth" "$work/songs"
    python "$here/vocode.py" "$work/$synth" "$work/songs"
done
pools="pools:$work/real/voices,$work/real/music"
vocalsep train --model tdf_mask --recipe "$here/run4.toml" --init "$start" --device cpu \
    --data "folders:$work/songs" --data "$pools" --data "$pools" --data "$pools" -o "$work/run4"
vocalsep models export "$work/run4/last.safetensors" -o "$work/compact-v3.safetensors" --dtype float16
python "$here/held_out.py" "$work/real" "$work/held-out"
vocalsep evaluate --model "$work/compact-v3.safetensors" --data "folders:$work/held-out"
