#!/bin/sh
# Run 2 of training-log.md again: sh make.sh RECORDINGS WORK
# Needs vocalsep[train], FFmpeg, FluidSynth with a soundfont, flite, espeak-ng and festival; about 3 hours on 2 cores.
set -eu
here=$(dirname "$0") recordings=$1 work=$2
python "$here/prepare.py" "$recordings" "$work/real"
vocalsep data synth --minutes 260 --seed 101 -o "$work/synth1"
vocalsep data synth --minutes 170 --seed 202 --voices "$work/real/speakers" -o "$work/synth2"
python "$here/pair.py" "$work/synth1" "$work/songs"
python "$here/pair.py" "$work/synth2" "$work/songs"
python "$here/grow.py" "$(vocalsep models path compact-v1)" "$work/grown.safetensors" growth=48 scales=3
pools="pools:$work/real/voices,$work/real/music" # four times: two voices of five are then real
vocalsep train --model tdf_mask --recipe "$here/recipe.toml" --init "$work/grown.safetensors" --device cpu \
    --data "folders:$work/songs" --data "$pools" --data "$pools" --data "$pools" --data "$pools" -o "$work/run"
