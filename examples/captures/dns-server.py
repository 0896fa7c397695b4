"""Answers every DNS question that names *.example, but for missing.example, with a documentation address."""
import ipaddress
import select
import socket

A, AAAA = 1, 28
addresses = {A: ipaddress.ip_address("192.0.2.53").packed, AAAA: ipaddress.ip_address("2001:db8::53").packed}


def answer(query: bytes) -> bytes:
    end = 12
    while query[end]:
        end += query[end] + 1
    question = query[12 : end + 5]
    kind = int.from_bytes(query[end + 1 : end + 3], "big")
    known = b"missing" not in question and kind in addresses
    flags = 0x8180 if known else 0x8183
    header = query[:2] + flags.to_bytes(2, "big") + bytes([0, 1, 0, int(known), 0, 0, 0, 0])
    record = b""
    if known:
        data = addresses[kind]
        record = b"\xc0\x0c" + kind.to_bytes(2, "big") + bytes([0, 1, 0, 0, 1, 44]) + len(data).to_bytes(2, "big") + data
    return header + question + record


sockets = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
sockets[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
sockets[0].bind(("192.0.2.80", 53))
sockets[1].bind(("2001:db8::80", 53))
while True:
    for ready in select.select(sockets, [], [])[0]:
        query, peer = ready.recvfrom(512)
        ready.sendto(answer(query), peer)
