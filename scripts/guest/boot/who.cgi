#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n%s %s:%s\n' "$(hostname)" "$REMOTE_ADDR" "$REMOTE_PORT"
