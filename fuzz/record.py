#!/usr/bin/env python3
"""Records what mosquitto's tools and paho-mqtt say to a broker, as seeds for the target packet_guard.

    fuzz/record.py          writes seeds/packet_guard/*; wants mosquitto, mosquitto-clients and paho-mqtt

A relay stands between the clients and a mosquitto of its own, both on free ports of 127.0.0.1. Each seed is one
connection's bytes from the client, behind the byte that picks the limit and the pieces (0: no limit, single bytes).
"""

import os
import socket
import subprocess
import tempfile
import threading
import time

SEEDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seeds", "packet_guard")
LONGEST = 2_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Relay:
    """Forwards connections to the broker and keeps what the clients sent."""

    def __init__(self, broker):
        self.broker = broker
        self.said = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.server.accept()
            broker = socket.create_connection(("127.0.0.1", self.broker))
            said = bytearray()
            self.said.append(said)
            threading.Thread(target=self.pump, args=(client, broker, said), daemon=True).start()
            threading.Thread(target=self.pump, args=(broker, client, None), daemon=True).start()

    @staticmethod
    def pump(source, sink, said):
        try:
            while data := source.recv(65_536):
                if said is not None:
                    said.extend(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def tool(relay, name, *arguments):
    command = [name, "-h", "127.0.0.1", "-p", str(relay.port), *arguments]
    subprocess.run(command, timeout=20, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def mosquitto_tools(relay):
    for version in ("mqttv31", "mqttv311", "mqttv5"):
        speak = ("-V", version, "-i", "seed-" + version)
        for qos in "012":
            tool(relay, "mosquitto_pub", *speak, "-q", qos, "-t", "home/lamp/state", "-m", "on", "-r",
                 "-u", "plug", "-P", "secret", "--will-topic", "home/lamp/gone", "--will-payload", "x",
                 "--will-qos", qos, "--will-retain")
            tool(relay, "mosquitto_sub", *speak, "-q", qos, "-t", "home/#", "-t", "+/lamp/+", "-C", "1", "-W", "2", "-c")
        tool(relay, "mosquitto_sub", *speak, "-t", "Über/+/licht", "-U", "home/#", "-W", "1", "-k", "5")
    tool(relay, "mosquitto_pub", "-V", "mqttv5", "-q", "2", "-t", "home/a", "-m", "{\"t\": 21.5}",
         "-D", "connect", "session-expiry-interval", "60", "-D", "connect", "receive-maximum", "3",
         "-D", "connect", "user-property", "who", "me", "-D", "publish", "message-expiry-interval", "9",
         "-D", "publish", "response-topic", "home/answer", "-D", "publish", "correlation-data", "abc",
         "-D", "publish", "content-type", "application/json", "-D", "publish", "payload-format-indicator", "1",
         "-D", "publish", "topic-alias", "4", "-D", "publish", "user-property", "unit", "°C",
         "-D", "disconnect", "reason-code", "4", "-D", "will", "will-delay-interval", "3",
         "--will-topic", "home/gone", "--will-payload", "bye")
    tool(relay, "mosquitto_sub", "-V", "mqttv5", "-q", "2", "-t", "$share/g/home/#", "-C", "1", "-W", "1",
         "-D", "subscribe", "subscription-identifier", "300", "-D", "subscribe", "user-property", "a", "b",
         "--retain-as-published", "--retain-handling", "new")


def paho(relay):
    import paho.mqtt.client as mqtt

    for protocol in (mqtt.MQTTv31, mqtt.MQTTv311, mqtt.MQTTv5):
        lasting = {} if protocol == mqtt.MQTTv5 else {"clean_session": False}
        client = mqtt.Client(client_id="paho-%d" % protocol, protocol=protocol, **lasting)
        client.connect("127.0.0.1", relay.port, keepalive=30)
        client.loop_start()
        client.subscribe([("home/+/state", 1), ("$SYS/broker/uptime", 0), ("home/#", 2)])
        for qos in (0, 1, 2):
            client.publish("home/lamp/state", "%d" % qos, qos=qos)
        time.sleep(0.5)
        client.unsubscribe(["home/#", "nobody/+"])
        time.sleep(0.3)
        client.disconnect()
        client.loop_stop()


def main():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        settings = os.path.join(folder, "mosquitto.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        broker = subprocess.Popen(["mosquitto", "-c", settings], stderr=subprocess.DEVNULL)
        try:
            time.sleep(1)
            relay = Relay(port)
            mosquitto_tools(relay)
            paho(relay)
        finally:
            broker.terminate()
            broker.wait()
    os.makedirs(SEEDS, exist_ok=True)
    for number, said in enumerate(relay.said):
        if said:
            with open(os.path.join(SEEDS, f"client-{number:02}"), "wb") as file:
                file.write(b"\0" + bytes(said[:LONGEST]))


if __name__ == "__main__":
    main()
