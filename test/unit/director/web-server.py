"""Answers every connection on one port with a name; prints when it listens."""

import socket
import sys
import threading

port, name = int(sys.argv[1]), sys.argv[2].encode()
server = socket.create_server(("0.0.0.0", port), backlog=128)
print("listening", flush=True)


def serve(connection):
    with connection:
        while connection.recv(65536):
            body = name + b"\n"
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
