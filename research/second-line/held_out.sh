#!/bin/sh
# The songs that the second line is measured on: sh held_out.sh UNHEARD WORK
#
# UNHEARD is a folder of recordings of singers that no weights have heard. WORK is where `start` works: what it has
# sorted into real/ gives the held-out music and the held-out singers of before. Writes WORK/measure/SET/SONG for the
# sets unheard, producers and synthesised, and for each the same songs mono at 16 kHz, SET-lo-fi.
set -eu
here=$(cd "$(dirname "$0")" && pwd) unheard=$1 work=$2
scripts=$here/../training-log
mkdir -p "$work/unheard/voices/valid" "$work/measure"
for file in "$unheard"/*.opus; do
    ffmpeg -v error -y -i "$file" -ar 44100 "$work/unheard/voices/valid/$(basename "$file" .opus).flac"
done
ln -sfn "$work/real/music" "$work/unheard/music"
vocalsep data synth --minutes 7 --song-seconds 20 --seed 900001 -o "$work/measure/synth"
python "$scripts/pair.py" "$work/measure/synth" "$work/measure/synthesised"
python "$here/narrow.py" "$work/measure/synthesised" "$work/measure/synthesised-lo-fi"
for set in unheard producers; do
    real=$work/real
    [ $set = producers ] || real=$work/unheard
    python "$scripts/held_out.py" "$real" "$work/measure/$set" --songs 22
    python "$scripts/held_out.py" "$real" "$work/measure/$set-lo-fi" --songs 22 --lo-fi
done
