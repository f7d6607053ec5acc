#!/bin/sh
# compact-v5, run 6 of training-log.md, from compact-v4: sh make6.sh RECORDINGS WORK COMPACT_V4
# COMPACT_V4 is what make5.sh writes. Needs what make5.sh needs; WORK is not that of any other. About 1.5 hours on
# 2 cores with bfloat16; `ablate.py WORK CHANGE` runs an ablation after it, 2 minutes each with
# bfloat16 and 13 without.
# Written out although make5.sh is like it: each script is the record of its run.
set -eu
here=$(dirname "$0") recordings=$1 work=$2 start=$3
python "$here/prepare.py" "$recordings" "$work/real"
python "$here/disguise.py" "$work/real/voices/train"
python "$here/spoken.py" "$recordings" "$work/real" "$work/spoken"
vocalsep data synth --minutes 60 --seed 808 -o "$work/synth8"
vocalsep data synth --minutes 190 --seed 909 --voices "$work/real/speakers" -o "$work/synth9"
vocalsep data synth --minutes 12 --seed 1010 -o "$work/synth10"
for synth in synth8 synth9; do
    python "$here/pair.py" "$work/$synth" "$work/songs"
    python "$here/vocode.py" "$work/$synth" "$work/songs"
done
python "$here/pair.py" "$work/synth10" "$work/held-out-synth"
python "$here/held_out.py" "$work/real" "$work/held-out"
python "$here/held_out.py" "$work/real" "$work/held-out-lo-fi" --lo-fi
# what ablations are scored on: 20 held-out songs, the same lo-fi, and all that are synthesised
mkdir "$work/scored"
for number in $(seq -w 0 19); do
    ln -s "../held-out/$number" "$work/scored/real-$number"
    ln -s "../held-out-lo-fi/$number" "$work/scored/lofi-$number"
done
for song in "$work"/held-out-synth/*; do
    ln -s "../held-out-synth/$(basename "$song")" "$work/scored/synth-$(basename "$song")"
done
pools="pools:$work/real/voices,$work/real/music"
vocalsep train --model tdf_mask --recipe "$here/run6.toml" --init "$start" --device cpu \
    --data "folders:$work/songs" --data "folders:$work/spoken/songs" --data "$pools" -o "$work/run6"
vocalsep models export "$work/run6/last.safetensors" -o "$work/compact-v5.safetensors" --dtype float16
python "$here/held_out.py" "$work/real" "$work/others" --first 40
python "$here/held_out.py" "$work/real" "$work/others-lo-fi" --first 40 --lo-fi
python "$here/average.py" "$work/mean.safetensors" "$start:1" "$work/run6/last.safetensors:1"
for songs in held-out held-out-lo-fi others others-lo-fi held-out-synth; do
    for weights in mean compact-v5; do
        vocalsep evaluate --model "$work/$weights.safetensors" --data "folders:$work/$songs"
    done
done
