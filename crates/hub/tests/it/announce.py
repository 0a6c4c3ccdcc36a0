"""Boards that announce themselves by multicast DNS, with a library nobody here wrote: a Shelly with its web page, an
ESPHome node, and a printer, which is no board.

Prints a line when all are announced, and stays until standard input is closed."""

import http.server
import json
import socket
import sys
import threading

from zeroconf import ServiceInfo, Zeroconf

ADDRESS = sys.argv[1]
ABOUT = {"id": "shellyplus1-a8032abe54dc", "mac": "A8032ABE54DC", "model": "SNSW-001X16EU", "gen": 2, "auth_en": False}


class Printer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = self.page()
        self.send_response(200 if page else 404)
        self.end_headers()
        self.wfile.write(page)

    def page(self):
        return b"<h1>Ink: low</h1>" if self.path == "/" else b""

    def log_message(self, *_):
        pass


class Shelly(Printer):
    def page(self):
        return json.dumps(ABOUT).encode() if self.path == "/shelly" else b""


def serve(kind):
    server = http.server.ThreadingHTTPServer((ADDRESS, 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def service(kind, name, port, properties):
    full = f"{name}.{kind}.local."
    return ServiceInfo(f"{kind}.local.", full, port, properties=properties, server=f"{name}.local.",
                       addresses=[socket.inet_aton(ADDRESS)])


boards = Zeroconf([ADDRESS])
for one in [
    service("_shelly._tcp", "shellyplus1-a8032abe54dc", serve(Shelly), {"gen": "2"}),
    service("_esphomelib._tcp", "porch", 6053, {"mac": "a4cf12000001", "friendly_name": "Porch", "board": "d1_mini"}),
    service("_http._tcp", "printer", serve(Printer), {}),
]:
    boards.register_service(one)
print("announced", flush=True)
sys.stdin.read()
boards.close()
