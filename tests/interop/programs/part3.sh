#!/bin/bash
# Part 3 without a program.  ./part3.sh PORT
while true; do
    for host in 127.0.0.1 ::1; do
        exec 3<>"/dev/udp/$host/$1"
        printf RESET:20 >&3
        if reply=$(timeout 1 dd bs=64 count=1 status=none <&3 2>/dev/null) && [[ $reply == OFFSET* ]]; then
            echo "$reply from $host"
            exit
        fi
    done
done
