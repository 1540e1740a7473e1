"""Files that attack whoever opens them: playlists named like videos, gigabytes in kilobytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from threading import Thread

import av
import numpy as np
from av.packet import Packet

from data.schema import Clip
from data.video import encode


@contextmanager
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """An address on this machine that nobody may ask, and what it was asked. It hangs up at once."""
    asked: list[bytes] = []

    class Ear(BaseRequestHandler):
        def handle(self) -> None:
            asked.append(self.request.recv(1000))

    with TCPServer(("127.0.0.1", 0), Ear) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def playlists(address: str, secret: str) -> dict[str, str]:
    """Texts that libav plays: each names a file beside it or an address."""
    return {
        "ffconcat, a file": f"ffconcat version 1.0\nfile {secret}\n",
        "ffconcat, an address": f"ffconcat version 1.0\nfile {address}/a.mp4\n",
        "HLS, a file": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n",
        "HLS, an address": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}/a.ts\n#EXT-X-ENDLIST\n",
        "HLS, a key": (
            f'#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-KEY:METHOD=AES-128,URI="{address}/key"\n'
            f"#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n"
        ),
        "HLS, of playlists": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{address}/more.m3u8\n",
        "DASH": (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
            'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT9S"><Period>'
            f'<AdaptationSet mimeType="video/mp4"><Representation id="1"><BaseURL>{address}/a.mp4</BaseURL>'
            "</Representation></AdaptationSet></Period></MPD>"
        ),
        "SDP": (
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
        ),
        "IMF": (
            '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">'
            f"<Id>urn:uuid:1</Id><Path>{address}/a.mxf</Path></CompositionPlaylist>"
        ),
    }


def png(width: int, height: int) -> bytes:
    """A black picture of one bit a pixel, written without ever holding it: 30000×30000 px in 110 KB."""
    row = b"\0" * (1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_film(path: Path, pictures: list[bytes], width_px: int, height_px: int) -> Path:
    """A MOV file whose header claims this size, and whose frames are ``pictures`` as they are."""
    with av.open(str(path), "w", format="mov") as container:
        stream = container.add_stream("png", rate=8, width=32, height=32, pix_fmt="monob")
        for index, picture in enumerate(pictures):
            packet = Packet(picture)
            packet.stream, packet.is_keyframe = stream, True
            packet.pts = packet.dts = index
            packet.time_base = Fraction(1, 8)
            container.mux(packet)
    data = bytearray(path.read_bytes())
    entry = data.index(b"png ", data.index(b"stsd"))
    struct.pack_into(">HH", data, entry + 28, width_px, height_px)
    path.write_bytes(data)
    return path


def h264_of(path: Path, width_px: int, height_px: int) -> Path:
    """A little MP4 of H.264 whose parameter set claims another size than its container does."""
    encode(Clip(np.zeros((4, 64, 64, 3), np.uint8), 8.0), path)
    data = bytearray(path.read_bytes())
    start = data.index(b"avcC") + 4 + 6  # version, profile, levels and counts come first
    (length,) = struct.unpack_from(">H", data, start)
    parameters = _sequence_parameters(width_px, height_px)
    assert len(parameters) <= length
    data[start + 2 : start + 2 + length] = parameters.ljust(length, b"\0")
    path.write_bytes(data)
    return path


def _sequence_parameters(width_px: int, height_px: int) -> bytes:
    """The shortest that H.264 allows (ITU-T H.264, 7.3.2.1.1): baseline, level 6.2, frames only."""

    def unsigned(value: int) -> str:
        bits = f"{value + 1:b}"
        return "0" * (len(bits) - 1) + bits

    fields = "".join(map(unsigned, (0, 0, 2, 1))) + "0"  # id, frame numbers, order, references, gaps
    fields += unsigned(width_px // 16 - 1) + unsigned(height_px // 16 - 1) + "1" + "0" * 3 + "1"
    fields = fields.ljust(-(-len(fields) // 8) * 8, "0")
    return bytes([0x67, 66, 0, 62]) + int(fields, 2).to_bytes(len(fields) // 8, "big")


def claiming_samples(path: Path, count: int) -> Path:
    """A little MP4 whose index claims ``count`` pictures of one byte each, in twelve bytes."""
    encode(Clip(np.zeros((4, 64, 64, 3), np.uint8), 8.0), path)
    data = bytearray(path.read_bytes())
    struct.pack_into(">III", data, data.index(b"stsz") + 4, 0, 1, count)
    struct.pack_into(">III", data, data.index(b"stsc") + 12, 1, count, 1)
    struct.pack_into(">II", data, data.index(b"stts") + 12, count, 1024)
    path.write_bytes(data)
    return path
