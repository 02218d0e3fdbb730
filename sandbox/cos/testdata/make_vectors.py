"""Writes signature_vectors.json: requests signed by Tencent's own Python SDK.

The SDK is an independent implementation of the COS request signature, so the
vectors tell whether the verifier in this package agrees with the rest of the
world. Run it with an interpreter that has cos-python-sdk-v5:

    python3 make_vectors.py > signature_vectors.json
"""

import json
import sys
import time
from unittest import mock

import qcloud_cos
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_auth import CosS3Auth
from requests import Request

NOW = 1760000000
SECRET_ID = "AKIDvectorvectorvectorvectorvector00"
SECRET_KEY = "vectorSecretKeyThatIsNoSecret000"
TEMPORARY = ("AKIDtemporarytemporarytemporary00000", "temporarySecretKeyNoSecret000000", "a-session-token/with+signs==")
BUCKET = "documents-1250000000"
REGION = "ap-guangzhou"

KEYS = {
    "a plain key": "report.pdf",
    "a nested key": "2024/q1/report.pdf",
    "Chinese": "文档/年度报告 2024.pdf",
    "spaces and plus signs": "a b+c  d.txt",
    "reserved characters": "a%b#c?d&e=f;g,h:i@j$k!l'm(n)o*p[q]r.txt",
    "a percent sequence": "100%25%2F.txt",
    "double slashes": "a//b///c",
    "dots": "a/./b/../c...d",
    "control characters": "line\nfeed\ttab\x01.txt",
    "an emoji": "🎉/party 🥳.png",
    "a folder placeholder": "folder/sub/",
    "a long key": "长" * 280 + "0123456789",
    "tilde and quotes": "~user/\"quoted\" `name`.txt",
}


def config(temporary=False):
    if temporary:
        return CosConfig(Region=REGION, SecretId=TEMPORARY[0], SecretKey=TEMPORARY[1], Token=TEMPORARY[2])
    return CosConfig(Region=REGION, SecretId=SECRET_ID, SecretKey=SECRET_KEY)


def signed(name, method, key=None, params=None, headers=None, data=None, temporary=False, service=False):
    conf = config(temporary)
    params = params or {}
    headers = dict(headers or {})
    if temporary:
        headers["x-cos-security-token"] = TEMPORARY[2]
    url = "https://service.cos.myqcloud.com/" if service else conf.uri(bucket=BUCKET, path=key)
    auth = CosS3Auth(conf, key, params=params)
    prepared = Request(method, url, params=params, headers=headers, data=data, auth=auth).prepare()
    host = prepared.url.split("/")[2]
    return {
        "name": name,
        "method": method,
        "host": host,
        "target": prepared.url.split(host, 1)[1] or "/",
        "headers": {k: v if isinstance(v, str) else v.decode() for k, v in prepared.headers.items()},
        "temporary": temporary,
    }


def presigned(name, method, key, params=None, headers=None, sign_host=None):
    client = CosS3Client(config())
    url = client.get_presigned_url(
        Bucket=BUCKET, Key=key, Method=method, Expired=600, Params=params or {}, Headers=dict(headers or {}), SignHost=sign_host
    )
    host = url.split("/")[2]
    return {
        "name": "presigned: " + name,
        "method": method,
        "host": host,
        "target": url.split(host, 1)[1],
        "headers": dict(headers or {}),
        "temporary": False,
    }


def vectors():
    yield signed("list buckets", "GET", params={"marker": "", "max-keys": 2000}, service=True)
    yield signed("list buckets with a temporary key", "GET", temporary=True, service=True)
    for name, key in KEYS.items():
        yield signed("get " + name, "GET", key)
    yield signed("head an object", "HEAD", "report.pdf")
    yield signed("delete an object", "DELETE", "文档/x")
    yield signed("put an object", "PUT", "up/load.txt", data="hello", headers={
        "Content-Type": "text/plain; charset=utf-8",
        "Content-MD5": "XUFAKrxLKna5cZ2REBfFkg==",
        "x-cos-meta-author": "someone (else)",
        "x-cos-storage-class": "STANDARD_IA",
        "Cache-Control": "no-cache, max-age=0",
    })
    yield signed("get a range", "GET", "report.pdf", headers={"Range": "bytes=0-99", "If-Match": '"0123456789abcdef"'})
    yield signed("get with replaced headers", "GET", "report.pdf", params={
        "response-content-type": "text/plain; charset=utf-8",
        "response-content-disposition": 'attachment; filename="报告 1.pdf"',
    })
    yield signed("list objects", "GET", params={
        "prefix": "文档/a b+c&d=e%/", "delimiter": "/", "marker": "文档/a b+c&d=e%/~x", "max-keys": 100, "encoding-type": "url",
    })
    yield signed("list objects with empty values", "GET", params={"prefix": "", "delimiter": "", "marker": "", "max-keys": 1000})
    yield signed("get with a temporary key", "GET", "文档/x y.pdf", temporary=True)
    yield signed("list objects with a temporary key", "GET", params={"prefix": "a/", "delimiter": "/"}, temporary=True)
    for name in ("a plain key", "Chinese", "reserved characters", "control characters", "an emoji"):
        yield presigned("get " + name, "GET", KEYS[name])
    yield presigned("without the host", "GET", "report.pdf", sign_host=False)
    yield presigned("put with a header", "PUT", "up/load.txt", headers={"Content-Type": "text/plain"})
    yield presigned("with parameters", "GET", "report.pdf", params={"response-content-type": "text/plain; charset=utf-8"})


def main():
    with mock.patch.object(time, "time", return_value=float(NOW)):
        made = list(vectors())
    json.dump(
        {
            "made_by": "cos-python-sdk-v5 " + qcloud_cos.cos_client.__version__,
            "now": NOW,
            "bucket": BUCKET,
            "region": REGION,
            "secret_id": SECRET_ID,
            "secret_key": SECRET_KEY,
            "temporary": {"secret_id": TEMPORARY[0], "secret_key": TEMPORARY[1], "session_token": TEMPORARY[2]},
            "vectors": made,
        },
        sys.stdout,
        indent=1,
        ensure_ascii=False,
    )
    print()


if __name__ == "__main__":
    main()
