#!/bin/sh
# compact-v5 again, from the recordings and compact-v1, which is in the package: sh make_all.sh RECORDINGS WORK
# Needs what make.sh, make3.sh, make5.sh and make6.sh need, which it runs one after another; about 10 hours on 2 cores
# with bfloat16.
set -eu
here=$(dirname "$0") recordings=$1 work=$2
mkdir "$work"
sh "$here/make.sh" "$recordings" "$work/2"
sh "$here/make3.sh" "$recordings" "$work/3" "$work/2/compact-v2.safetensors"
sh "$here/make5.sh" "$recordings" "$work/4" "$work/3/compact-v3.safetensors"
sh "$here/make6.sh" "$recordings" "$work/5" "$work/4/compact-v4.safetensors"
echo "$work/5/compact-v5.safetensors"
