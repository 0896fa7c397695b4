#!/usr/bin/env bash
# Records the captures of this folder from Linux's own network stacks: two namespaces joined by a veth pair, real
# clients and servers in them. Needs root, iproute2, tcpdump, curl, dig, ethtool, nmap, ping, python3 and clang. The packets differ from
# run to run (ports, sequence numbers, times), so the committed files are data, not a build product.
set -euo pipefail
cd "$(dirname "$0")"
client=tsbpf-client server=tsbpf-server

cleanup() {
  kill "${pids[@]}" 2>/dev/null || true
  ip netns del "$client" 2>/dev/null || true
  ip netns del "$server" 2>/dev/null || true
}
pids=()
trap cleanup EXIT

ip netns add "$client"
ip netns add "$server"
ip link add veth0 netns "$client" type veth peer name veth0 netns "$server"
ip link add veth1 netns "$client" type veth peer name veth1 netns "$server"
tagger=$(mktemp)
clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -c vlan-tagger.bpf.c -o "$tagger"
# Arrays, not functions: what goes to the background is then the program itself, and `kill` reaches it.
in_client=(nsenter "--net=/run/netns/$client")
in_server=(nsenter "--net=/run/netns/$server")
for side in client:1 server:80; do
  namespace=tsbpf-${side%%:*} host=${side##*:}
  run() { nsenter --net="/run/netns/$namespace" "$@"; }
  # One frame a packet, and checksums in them: no offloads.
  run ip link set lo up
  run ip link set veth0 up
  run ip addr add "192.0.2.$host/24" dev veth0
  run ip addr add "2001:db8::$host/64" dev veth0 nodad
  run ip link set veth1 up
  run ip addr add "198.51.100.$host/24" dev veth1
  for device in veth0 veth1; do
    run ethtool -K "$device" tx off tso off gso off gro off >/dev/null
  done
  # VLAN devices are a module that not every kernel has; two lines of BPF tag as well.
  run tc qdisc add dev veth1 clsact
  run tc filter add dev veth1 egress bpf direct-action object-file "$tagger" section tc/push
  run tc filter add dev veth1 ingress bpf direct-action object-file "$tagger" section tc/pop
done
sleep 1

web=$(mktemp -d)
head -c 20000 /dev/zero | tr '\0' 'x' >"$web/index.html"
"${in_server[@]}" python3 -m http.server --directory "$web" 80 >/dev/null 2>&1 & pids+=($!)
"${in_server[@]}" python3 dns-server.py >/dev/null 2>&1 & pids+=($!)
sleep 1

record() { # DEVICE NAME COMMAND...
  local device=$1 name=$2 watcher
  shift 2
  "${in_server[@]}" tcpdump -Z root -q -U -i "$device" -w "$name.pcap" 2>/dev/null & watcher=$!
  sleep 1
  "$@" >/dev/null 2>&1 || true
  sleep 1
  kill "$watcher"
  wait "$watcher" || true
}

web() {
  for i in 1 2 3 4 5; do "${in_client[@]}" curl -s http://192.0.2.80/; done
  "${in_client[@]}" curl -s 'http://[2001:db8::80]/'
}
names() {
  for name in tsbpf.example kernel.example missing.example; do
    "${in_client[@]}" dig +tries=1 +time=1 @192.0.2.80 "$name" A
    "${in_client[@]}" dig +tries=1 +time=1 @2001:db8::80 "$name" AAAA
  done
}
vlan() {
  "${in_client[@]}" ping -c 3 -i 0.2 198.51.100.80
  "${in_client[@]}" curl -s http://198.51.100.80/
}
flood() {
  # Legitimate visitors while one source sends 2,000 connection requests.
  "${in_client[@]}" python3 syn-flood.py 192.0.2.80 2000 & local flooder=$!
  "${in_client[@]}" curl -s --max-time 5 http://192.0.2.80/
  "${in_client[@]}" ping -c 5 -i 0.2 192.0.2.80
  wait "$flooder"
}

record veth0 web web
record veth0 dns names
record veth0 ping6 "${in_client[@]}" ping -6 -c 5 -i 0.2 2001:db8::80
record veth1 vlan vlan
record veth0 port-scan "${in_client[@]}" nmap -Pn -n -sS --max-retries 0 -p 1-200 192.0.2.80
record veth0 syn-flood flood
rm -rf "$web" "$tagger"
