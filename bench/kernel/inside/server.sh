# One process serves all VMs, so that a request costs the server the same however many VMs a balancer uses.
mkdir -p /run/www
head -c 5000000 /dev/zero >/run/www/download
(cd /run/www && exec python3 -m http.server 9000 --bind 127.0.0.1 >/dev/null 2>&1) &
{
  cat <<'CFG'
global
  maxconn 20000
  nbthread 1
defaults
  mode http
  timeout client 600s
  timeout server 600s
  timeout connect 5s
backend files
  server local 127.0.0.1:9000
frontend web
  use_backend files if { path /download }
  http-request return status 200 content-type text/plain string hello if !{ path /download }
CFG
  for n in $vms; do
    echo "  bind 0.0.0.0:80 namespace vm$n backlog 4096"
    echo "  bind 0.0.0.0:8080 namespace vm$n backlog 4096"
    echo "  bind 0.0.0.0:20000-20999 namespace vm$n"
  done
} >/run/server.cfg
/usr/sbin/haproxy -q -f /run/server.cfg -D -p /run/server.pid
while IFS=$'\t' read -r name address _; do
  for _ in 1 2 3 4 5; do ns client curl -sS -o /dev/null -m 3 http://$address/ 2>/dev/null && break; done ||
    say "no answer: $name"
done <$in/ways
