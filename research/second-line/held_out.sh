#!/bin/sh
# The songs that the second line is measured on: sh held_out.sh UNHEARD WORK
#
# UNHEARD is a folder of recordings of singers that no weights have heard. WORK is where `start` works: what it has
# sorted into real/ gives the held-out music and the held-out singers of before. Writes WORK/measure/SET/SONG for the
# sets unheard, producers and synthesised, and the same songs as SET-lo-fi, SET-soft and SET-faint (see versions.py).
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
for set in unheard producers; do
    real=$work/real
    [ $set = producers ] || real=$work/unheard
    python "$scripts/held_out.py" "$real" "$work/measure/$set" --songs 22
done
for set in unheard producers synthesised; do
    for version in lo-fi soft faint; do
        python "$here/versions.py" "$work/measure/$set" "$work/measure/$set-$version" $version
    done
done
