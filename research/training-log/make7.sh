#!/bin/sh
# Run 7 of training-log.md, from compact-v5, which stayed the default: sh make7.sh RECORDINGS WORK COMPACT_V5
# COMPACT_V5 is what make6.sh writes. Needs what make6.sh needs; WORK is not that of any other. An hour for the data
# and 16 minutes an epoch, on 2 cores with AVX2. The run of the log was stopped by hand after the fourth epoch: this
# trains all six.
# Written out although make6.sh is like it: each script is the record of its run.
set -eu
here=$(dirname "$0") recordings=$1 work=$2 start=$3
python "$here/prepare.py" "$recordings" "$work/real"
python "$here/disguise.py" --seed 7 "$work/real/voices/train"
python "$here/spoken.py" --seed 7 "$recordings" "$work/real" "$work/spoken"
vocalsep data synth --minutes 60 --seed 1111 -o "$work/synth11"
vocalsep data synth --minutes 60 --seed 1313 -o "$work/synth13"
vocalsep data synth --minutes 100 --seed 1212 --voices "$work/real/speakers" -o "$work/synth12"
for synth in synth11 synth12 synth13; do
    python "$here/pair.py" "$work/$synth" "$work/songs"
    python "$here/vocode.py" "$work/$synth" "$work/songs"
done
pools="pools:$work/real/voices,$work/real/music"
vocalsep train --model tdf_mask --recipe "$here/run7.toml" --init "$start" --device cpu \
    --data "folders:$work/songs" --data "folders:$work/spoken/songs" --data "$pools" -o "$work/run7"
vocalsep models export "$work/run7/last.safetensors" -o "$work/end.safetensors" --dtype float16
python "$here/average.py" "$work/mean.safetensors" "$start:1" "$work/run7/last.safetensors:1"
python "$here/held_out.py" "$work/real" "$work/held-out" --first 80
python "$here/held_out.py" "$work/real" "$work/held-out-lo-fi" --first 80 --lo-fi
for songs in held-out held-out-lo-fi; do
    for weights in "$start" "$work/mean.safetensors" "$work/end.safetensors"; do
        vocalsep evaluate --model "$weights" --data "folders:$work/$songs"
    done
done
