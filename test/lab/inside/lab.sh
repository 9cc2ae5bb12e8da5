#!/bin/sh
# Process 1 of a lab, in PID and mount namespaces of its own. Everything of the lab lives below it, so that its end is
# the end of everything. $1: the lab's directory. On standard output: its process id as the owner sees it.
# Standard input is the owner's life: at its end the lab goes, unless the word `keep` came first.
read -r pid _ </proc/self/stat
exec 3<&0
echo "$pid"
exec >/dev/null 2>&1
(read -r word <&3 && [ "$word" = keep ] && exec sleep infinity) &
wait $!
kill -9 -1
# The directory goes last: whoever sees it gone knows that all else is gone, too.
mount -t proc proc /proc
dir=$1
set -- /proc/[0-9]*
while [ $# -gt 1 ]; do
  sleep 0.01
  set -- /proc/[0-9]*
done
rm -rf "$dir"
