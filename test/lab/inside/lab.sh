#!/bin/sh
# Process 1 of a lab, in PID and mount namespaces of its own. The whole lab lives below it, so that its end
# ends everything. $1: the lab's directory. On standard output: its process id as the owner sees it.
# Standard input shows whether the owner lives: at its end the lab ends, unless it has read the word `keep`.
read -r pid _ </proc/self/stat
exec 3<&0
echo "$pid"
exec >/dev/null 2>&1
(read -r word <&3 && [ "$word" = keep ] && exec sleep infinity) &
wait $!
kill -9 -1
# The directory is removed last, so that its absence shows that everything else is gone.
mount -t proc proc /proc
dir=$1
set -- /proc/[0-9]*
while [ $# -gt 1 ]; do
  sleep 0.01
  set -- /proc/[0-9]*
done
rm -rf "$dir"
