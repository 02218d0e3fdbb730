"""Drives a COS service with Tencent's own Python SDK and checks its answers.

Usage: drive.py SECRET_ID SECRET_KEY SESSION_TOKEN BUCKET REGION

The environment says where the service is (HTTPS_PROXY) and whom to trust
(REQUESTS_CA_BUNDLE). It prints "all good" when every answer was as expected.
"""

import logging
import sys

import requests
from qcloud_cos import CosConfig, CosS3Client, CosServiceError

logging.disable(logging.CRITICAL)

SECRET_ID, SECRET_KEY, TOKEN, BUCKET, REGION = sys.argv[1:6]


def client(secret_key=SECRET_KEY, region=REGION):
    return CosS3Client(CosConfig(Region=region, SecretId=SECRET_ID, SecretKey=secret_key, Token=TOKEN or None, Scheme="https"))


def expect(what, got, want):
    if got != want:
        raise SystemExit(f"{what}: got {got!r}, want {want!r}")


def expect_error(what, call, status, code):
    try:
        call()
    except CosServiceError as error:
        expect(what, (error.get_status_code(), error.get_error_code()), (status, code))
        return
    raise SystemExit(f"{what}: succeeded, want {status} {code}")


def list_everything(cos, **options):
    found, marker = [], ""
    while True:
        page = cos.list_objects(BUCKET, Marker=marker, **options)
        found += [o["Key"] for o in page.get("Contents", [])]
        found += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        if page["IsTruncated"] == "false":
            return sorted(found)
        marker = page["NextMarker"]


def main():
    cos = client()

    buckets = cos.list_buckets()["Buckets"]["Bucket"]
    expect("buckets", [b["Location"] for b in buckets], ["ap-shanghai", REGION])
    first = cos.list_buckets(MaxKeys=1)
    expect("first page of buckets", (first["IsTruncated"], len(first["Buckets"]["Bucket"])), ("true", 1))

    expect("a folder", list_everything(cos, Prefix="folder/", Delimiter="/"), ["folder/", "folder/a.txt", "folder/sub/"])
    everything = ["folder/", "folder/a.txt", "folder/sub/b.txt", "folder/sub/c.txt", "line\x01feed"]
    found = [k for k in list_everything(cos, MaxKeys=2) if not k.startswith("上传/")]
    expect("everything, two at a time", found, everything)

    for key in everything:
        body = cos.get_object(BUCKET, key)["Body"].get_raw_stream().read()
        expect(f"body of {key!r}", body, ("content of " + key).encode())

    for key in ["上传/a b+c%.txt", "上传/#?&=;,:@$!'()*[].txt", "上传/🎉//..//x", "上传/" + "长" * 280]:
        cos.put_object(Bucket=BUCKET, Key=key, Body=b"uploaded by Python", EnableMD5=True, ContentType="text/plain")
        got = cos.get_object(BUCKET, key, Range="bytes=0-7")
        expect(f"range of {key!r}", got["Body"].get_raw_stream().read(), b"uploaded")
        expect(f"head of {key!r}", cos.head_object(BUCKET, key)["Content-Type"], "text/plain")

    params = {"x-cos-security-token": TOKEN} if TOKEN else {}
    url = cos.get_presigned_url(BUCKET, "folder/a.txt", "GET", Params=params)
    expect("presigned", requests.get(url, timeout=30).text, "content of folder/a.txt")
    expect("presigned and changed", requests.get(url.replace("a.txt", "sub/b.txt"), timeout=30).status_code, 403)

    expect_error("a wrong secret", lambda: client(secret_key="wrong").list_buckets(), 403, "SignatureDoesNotMatch")
    expect_error("an absent object", lambda: cos.get_object(BUCKET, "absent"), 404, "NoSuchKey")
    expect_error("the wrong region", lambda: client(region="ap-shanghai").list_objects(BUCKET), 404, "NoSuchBucket")
    cos.delete_object(BUCKET, "上传/🎉//..//x")
    expect_error("a deleted object", lambda: cos.get_object(BUCKET, "上传/🎉//..//x"), 404, "NoSuchKey")
    print("all good")


main()
