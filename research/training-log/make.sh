#!/bin/sh
# compact-v2 again, runs 2 and 3 of training-log.md: sh make.sh RECORDINGS WORK
# Needs vocalsep[train], FFmpeg, FluidSynth with a soundfont, flite, espeak-ng and festival; about 5 hours on 2 cores.
set -eu
here=$(dirname "$0") recordings=$1 work=$2
python "$here/prepare.py" "$recordings" "$work/real"
vocalsep data synth --minutes 260 --seed 101 -o "$work/synth1"
vocalsep data synth --minutes 170 --seed 202 --voices "$work/real/speakers" -o "$work/synth2"
python "$here/pair.py" "$work/synth1" "$work/songs"
python "$here/pair.py" "$work/synth2" "$work/songs"
python "$here/grow.py" "$here/compact-v1.safetensors" "$work/grown.safetensors" growth=48 scales=3
pools="pools:$work/real/voices,$work/real/music" # four times: two voices of five are then real
train() {
    vocalsep train --model tdf_mask --recipe "$here/$1.toml" --init "$2" --device cpu --data "folders:$work/songs" \
        --data "$pools" --data "$pools" --data "$pools" --data "$pools" -o "$work/$1"
}
train run2 "$work/grown.safetensors"
python "$here/vocode.py" "$work/synth1" "$work/songs"
python "$here/vocode.py" "$work/synth2" "$work/songs"
train run3 "$work/run2/last.safetensors"
vocalsep models export "$work/run3/last.safetensors" -o "$work/compact-v2.safetensors" --dtype float16
