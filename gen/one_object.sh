#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# one_object.sh OUT OBJCOPY AR WHOLE.a PART.a CC...: the static library of a public interface.
# All of WHOLE and what it needs of PART become one object, whose hidden symbols are local: a
# program that links it may have functions of the same names.
set -eu
out=$1 objcopy=$2 ar=$3 whole=$4 part=$5
shift 5
object=${out%.a}.o
rm -f "$out"
"$@" -r -nostdlib -o "$object" -Wl,--whole-archive "$whole" -Wl,--no-whole-archive "$part"
"$objcopy" --localize-hidden "$object"
"$ar" rcsD "$out" "$object"
rm -f "$object"
