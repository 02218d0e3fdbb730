"""Sign handshakes of browser streams with botocore and print them as JSON: handshake_vectors.json.

    python3 -m venv venv && venv/bin/pip install botocore==1.44.5
    venv/bin/python make_vectors.py > handshake_vectors.json

Any botocore will do: Signature Version 4 does not change.
"""

import datetime
import json
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PERMANENT = ("AKIAVECTORS000000000", "vectors/secret+key", None)
TEMPORARY = ("ASIAVECTORS000000000", "temporary/secret+key", "token/of+the//session==")
CASES = [
    ("the managed browser", PERMANENT, "us-east-1", "bedrock-agentcore.us-east-1.amazonaws.com", "aws.browser.v1", "2026-11-22T12:30:15"),
    ("temporary keys", TEMPORARY, "us-west-2", "bedrock-agentcore.us-west-2.amazonaws.com", "aws.browser.v1", "2026-11-22T12:30:15"),
    ("a browser of one's own", PERMANENT, "ap-northeast-1", "bedrock-agentcore.ap-northeast-1.amazonaws.com", "my_browser-a1B2c3D4e5", "2024-02-29T00:00:00"),
    ("China", TEMPORARY, "cn-north-1", "bedrock-agentcore.cn-north-1.amazonaws.com.cn", "aws.browser.v1", "2025-12-31T23:59:59"),
]


def sign(key, region, host, browser, at):
    path = f"/browser-streams/{browser}/sessions/01JABCDEFGHJKMNPQRSTVWXYZ0/automation"
    request = AWSRequest(method="GET", url=f"https://{host}{path}", headers={"host": host})
    with mock.patch("botocore.auth.get_current_datetime", return_value=datetime.datetime.fromisoformat(at)):
        botocore.auth.SigV4Auth(Credentials(*key), "bedrock-agentcore", region).add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    return f"wss://{host}{path}", headers


vectors = []
for name, key, region, host, browser, at in CASES:
    url, headers = sign(key, region, host, browser, at)
    vectors.append({
        "name": name, "access_key_id": key[0], "secret_access_key": key[1], "session_token": key[2] or "", "region": region,
        "time": at + "Z", "url": url, "headers": headers,
    })
print(json.dumps(vectors, indent=2))
