#!/bin/sh
# compact-v4 again, run 5 of training-log.md, from compact-v3: sh make5.sh RECORDINGS WORK COMPACT_V3
# COMPACT_V3 is what make3.sh writes.
# Needs what make.sh needs, and musescore-general-soundfont; WORK is not that of make.sh or make3.sh. About 1.5 hours
# on 2 cores.
# Written out although make3.sh is like it: each script is the record of its run.
set -eu
here=$(dirname "$0") recordings=$1 work=$2 start=$3
python "$here/prepare.py" "$recordings" "$work/real"
python "$here/disguise.py" "$work/real/voices/train"
rm "$work/real/speakers/eif_caesium_bgvox_high-0.flac" # nothing in it can be sung
vocalsep data synth --minutes 45 --seed 505 -o "$work/synth5"
vocalsep data synth --minutes 88 --seed 606 --voices "$work/real/speakers" -o "$work/synth6"
for synth in synth5 synth6; do
    python "$here/pair.py" "$work/$synth" "$work/songs"
    python "$here/vocode.py" "$work/$synth" "$work/songs"
done
pools="pools:$work/real/voices,$work/real/music"
vocalsep train --model tdf_mask --recipe "$here/run5.toml" --init "$start" --device cpu \
    --data "folders:$work/songs" --data "$pools" --data "$pools" -o "$work/run5"
vocalsep models export "$work/run5/last.safetensors" -o "$work/compact-v4.safetensors" --dtype float16
python "$here/held_out.py" "$work/real" "$work/held-out"
python "$here/held_out.py" "$work/real" "$work/held-out-lo-fi" --lo-fi
for songs in held-out held-out-lo-fi; do
    vocalsep evaluate --model "$work/compact-v4.safetensors" --data "folders:$work/$songs"
done
