"""A board that announces itself the way Home Assistant's discovery has it, and sends readings at QoS 1.

    sensor.py PORT USER SECRET READINGS

Prints one line when the broker acknowledged every message. paho-mqtt 1.6 (Debian) and 2 (elsewhere) both do.
"""

import json
import sys

import paho.mqtt.client as mqtt

PATIENCE_S = 30
NODE = "greenhouse"


def connected_client(port, user, secret):
    if hasattr(mqtt, "CallbackAPIVersion"):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=NODE)
    else:
        client = mqtt.Client(client_id=NODE)
    client.username_pw_set(user, secret)
    client.max_inflight_messages_set(20)
    client.connect("127.0.0.1", port, keepalive=30)
    client.loop_start()
    return client


def announce(client):
    config = {
        "name": "Soil moisture",
        "unique_id": f"{NODE}-soil",
        "object_id": f"{NODE}_soil",
        "state_topic": f"{NODE}/state",
        "value_template": "{{ value_json.soil }}",
        "unit_of_measurement": "%",
        "device_class": "moisture",
        "state_class": "measurement",
        "availability_topic": f"{NODE}/status",
        "device": {"identifiers": [NODE], "name": "Greenhouse", "manufacturer": "Hand made", "model": "Soil probe"},
    }
    yield client.publish(f"homeassistant/sensor/{NODE}/soil/config", json.dumps(config), qos=1, retain=True)
    yield client.publish(f"{NODE}/status", "online", qos=1, retain=True)


def measure(client, readings):
    for number in range(1, readings + 1):
        yield client.publish(f"{NODE}/state", json.dumps({"soil": number / 2}), qos=1)


def main():
    port, user, secret, readings = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    client = connected_client(port, user, secret)
    sent = [*announce(client), *measure(client, readings)]
    for message in sent:
        message.wait_for_publish(PATIENCE_S)
        if not message.is_published():
            sys.exit("A message was not acknowledged in time.")
    print(f"{len(sent)} messages acknowledged", flush=True)
    client.disconnect()
    client.loop_stop()


main()
