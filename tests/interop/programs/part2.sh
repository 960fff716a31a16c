#!/bin/bash
# Part 2 without a program.  ./part2.sh PORT CMD_short:0
exec 3<>"/dev/tcp/localhost/$1" || exit 1
printf '%s' "$2" >&3
sed 's/\([0-9]\)This/\1\nThis/g' <&3
echo
