#!/bin/sh
# The experiment of docs/experiment.md again: sh make.sh SONGS REAL OUT, where ../training-log/make.sh made WORK/songs and
# WORK/real. Needs vocalsep[train]; under two hours on 2 cores, a recipe on each.
set -eu
here=$(dirname "$0") out=$3
export OMP_NUM_THREADS=1
python "$here/songs.py" "$1" "$2" "$out"
reproduce() {
    recipe=$1 epochs=$2 models=$3
    shift 3
    vocalsep reproduce --recipe "$recipe" --models "$models" --device cpu -o "$out/$recipe" \
        --data "folders:$out/songs" --data "pools:$out/pool/voices,$out/pool/music" \
        --set run.epochs="$epochs" --set run.precision=bf16 --set data.chunk_seconds=1.5 --set data.batch_size=3 \
        --set data.chunks_per_track=1 --set data.valid_chunks_per_track=4 --set data.workers=0 "$@"
}
reproduce paper 13 umx,tdf,tdsa,tdt,tdsa:attention=frame &
reproduce default 6 umx,tdf,tdsa,tdt --set optimiser.warmup_steps=50 --set optimiser.ema_decay=0.99
wait
