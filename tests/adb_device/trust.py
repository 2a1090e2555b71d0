"""Whom the device trusts: adb's RSA keys. A token of 20 bytes is signed as if it were a SHA-1 digest (PKCS #1 v1.5)."""

import base64
import hmac
import secrets
import struct

TOKEN, SIGNATURE, PUBLIC_KEY = 1, 2, 3
_SHA1_PREFIX = bytes.fromhex("3021300906052b0e03021a05000414")


def new_token():
    return secrets.token_bytes(20)


def parse_public_key(data):
    """(modulus, exponent) of Android's key format: words, n0inv, modulus, R² (little endian), exponent; in base64, then a name."""
    blob = base64.b64decode(data.split(b"\0")[0].split(b" ")[0])
    words = struct.unpack_from("<I", blob)[0]
    modulus = int.from_bytes(blob[8 : 8 + 4 * words], "little")
    exponent = struct.unpack_from("<I", blob, 8 + 8 * words)[0]
    return modulus, exponent


def is_signed(token, signature, key):
    """Whether the owner of `key` signed `token`."""
    modulus, exponent = key
    size = (modulus.bit_length() + 7) // 8
    found = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
    digest = _SHA1_PREFIX + token
    return hmac.compare_digest(found, b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest)
