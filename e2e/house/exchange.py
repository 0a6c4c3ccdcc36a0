"""Says hello to itself through a broker, at every QoS, and with a payload of many packets.

    exchange.py PORT tcp|websockets 3.1|3.1.1|5 AUTHORITY|- USER SECRET

AUTHORITY is the file of the authority to believe; with it the connection is encrypted. Prints `done`.
paho-mqtt 1.6 (Debian) and 2 (elsewhere) both do.
"""

import sys
import threading

import paho.mqtt.client as mqtt

PATIENCE_S = 30
VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}


def main(port, transport, version, authority, user, secret):
    topic = f"walk/paho/{transport}/{version}/{'plain' if authority == '-' else 'tls'}"
    payloads = {f"{topic}/{qos}/{size}": b"x" * size for qos in (0, 1, 2) for size in (5, 100_000)}
    got, subscribed, all_here = {}, threading.Event(), threading.Event()

    options = {"client_id": topic.replace("/", "-"), "transport": transport, "protocol": VERSIONS[version]}
    if hasattr(mqtt, "CallbackAPIVersion"):
        options["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
    client = mqtt.Client(**options)
    client.username_pw_set(user, secret)
    if transport == "websockets":
        client.ws_set_options(path="/mqtt")
    if authority != "-":
        client.tls_set(ca_certs=authority)

    def on_message(_client, _data, message):
        got[message.topic] = message.payload
        if len(got) == len(payloads):
            all_here.set()

    client.on_connect = lambda *_: client.subscribe(f"{topic}/#", qos=2)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = on_message
    client.connect("127.0.0.1", port, keepalive=30)
    client.loop_start()
    assert subscribed.wait(PATIENCE_S), "no SUBACK"
    for name, payload in payloads.items():
        client.publish(name, payload, qos=int(name.split("/")[-2]))
    assert all_here.wait(PATIENCE_S), f"came: {sorted(got)}"
    assert got == payloads
    client.disconnect()
    client.loop_stop()
    print("done")


if __name__ == "__main__":
    port, *rest = sys.argv[1:]
    main(int(port), *rest)
