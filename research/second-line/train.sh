#!/usr/bin/env bash
# What `start` runs in the background: train.sh RECORDINGS WORK, from the clone in WORK.
set -euo pipefail
recordings=$1 work=$2
here=$(cd "$(dirname "$0")" && pwd)
clone=$(git -C "$here" rev-parse --show-toplevel)
log_scripts=$clone/research/training-log
trap 'kill 0' EXIT  # the process that makes songs ends with the one that trains

if [ ! -e "$work/venv/ready" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet -e "${clone}[train]" praat-parselmouth
  touch "$work/venv/ready"
fi
export PATH="$work/venv/bin:$PATH" PYTHONPATH="$clone/src"

if [ ! -e "$work/real/ready" ]; then
  rm -rf "$work/real"
  python "$log_scripts/prepare.py" "$recordings" "$work/real"
  touch "$work/real/ready"
fi
mkdir -p "$work/stream"
OMP_NUM_THREADS=1 python "$here/songs.py" "$work/stream" --voices "$work/real/speakers" > "$work/songs.log" 2>&1 &
if [ ! -e "$work/real/disguised" ]; then
  (OMP_NUM_THREADS=1 python "$log_scripts/disguise.py" "$work/real/voices/train" && touch "$work/real/disguised") &
fi
while [ "$(find "$work/stream" -maxdepth 1 -name 'song-*' | wc -l)" -lt 8 ]; do sleep 5; done
if [ ! -e "$work/spoken/ready" ]; then
  rm -rf "$work/spoken"
  OMP_NUM_THREADS=1 python "$here/chanted_songs.py" "$recordings" "$work/real" "$work/stream" "$work/spoken"
  touch "$work/spoken/ready"
fi

run=$work/run
while true; do
  if [ -e "$run/checkpoint.pt" ]; then
    vocalsep train --resume -o "$run" --device cpu
  else
    newest=$(find "$work/newest.safetensors" "$clone/research/second-line/newest.safetensors" 2> /dev/null | head -n 1)
    vocalsep train --model sparse_tdf --recipe "$here/run.toml" ${newest:+--init "$newest"} --device cpu \
      --data "stream:$work/stream" --data "folders:$work/spoken/songs" \
      --data "pools:$work/real/voices,$work/real/music" -o "$run"
  fi
  # a cycle is complete: the next one begins with its averaged weights
  cp "$run/last.safetensors" "$work/newest.safetensors"
  mv "$run" "$work/cycle-$(date -u -r "$run/environment.json" +%Y-%m-%d-%H%M)"
done
