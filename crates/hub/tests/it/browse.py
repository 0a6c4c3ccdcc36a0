"""Looks for MQTT brokers by multicast DNS, as a board would, with a library nobody here wrote.

Prints a line of JSON for every one that comes, changes or goes, until standard input is closed."""

import json
import sys

from zeroconf import ServiceBrowser, ServiceListener, Zeroconf


class Tell(ServiceListener):
    def add_service(self, zc, kind, name):
        info = zc.get_service_info(kind, name, timeout=5000)
        if info:
            self.tell("found", name, host=info.server, addresses=info.parsed_addresses(), port=info.port)

    def update_service(self, zc, kind, name):
        pass

    def remove_service(self, zc, kind, name):
        self.tell("gone", name)

    def tell(self, what, name, **more):
        print(json.dumps({"what": what, "name": name, **more}), flush=True)


found = Zeroconf()
ServiceBrowser(found, ["_mqtt._tcp.local.", "_secure-mqtt._tcp.local."], Tell())
sys.stdin.read()
found.close()
