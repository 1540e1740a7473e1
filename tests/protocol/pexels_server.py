"""The search for videos of the Pexels API as its documentation describes it, and the files it names."""

from __future__ import annotations

from typing import Any

from tests.protocol.server import Answer, BadRequest, ProtocolServer, Request

PAGE_MOST = 80
_PARAMETERS = {"query", "orientation", "size", "locale", "page", "per_page"}


class PexelsServer(ProtocolServer):
    """Knows one key. ``videos`` is all that it finds, for any words; ``files`` maps paths to bytes."""

    def __init__(self, key: str, videos: list[dict[str, Any]], files: dict[str, bytes] | None = None) -> None:
        super().__init__()
        self.key, self.videos, self.files = key, videos, files or {}

    def answer(self, request: Request) -> Answer:
        if request.path in self.files:
            if "authorization" in request.headers:
                raise BadRequest("the key went to a file")
            return Answer(self.files[request.path], headers={"Content-Type": "video/mp4"})
        if request.path != "/v1/videos/search":
            return Answer({"status": 404, "code": "Not Found"}, status=404)
        if request.headers.get("authorization") != self.key:
            return Answer({"status": 401, "code": "Unauthorized"}, status=401)
        if request.method != "GET" or not request.query.get("query") or set(request.query) - _PARAMETERS:
            raise BadRequest(f"{request.method} {dict(request.query)}")
        page, size = int(request.query.get("page", 1)), int(request.query.get("per_page", 15))
        if not 1 <= size <= PAGE_MOST or page < 1:
            raise BadRequest(f"page {page} of {size}")
        begin, end = (page - 1) * size, page * size
        body: dict[str, Any] = {
            "page": page,
            "per_page": size,
            "total_results": len(self.videos),
            "url": "https://www.pexels.com/videos/",
            "videos": self.videos[begin:end],
        }
        if end < len(self.videos):
            body["next_page"] = f"{self.url}/v1/videos/search?page={page + 1}"
        return Answer(body, headers={"X-Ratelimit-Limit": "20000", "X-Ratelimit-Remaining": "19684"})


def listed(
    number: int, heights: tuple[int, ...] = (360, 720, 1080), host: str = "https://v.example"
) -> dict[str, Any]:
    """One found video, 16:9, with a file of each height and the stream that has no size."""
    files: list[dict[str, Any]] = [
        {
            "id": 10 * number + index,
            "quality": "hd" if height >= 720 else "sd",
            "file_type": "video/mp4",
            "width": height * 16 // 9,
            "height": height,
            "fps": 25.0,
            "link": f"{host}/{number}-{height}.mp4",
        }
        for index, height in enumerate(heights)
    ]
    stream = {"id": 0, "quality": "hls", "file_type": "video/mp4", "width": None, "height": None, "link": "x"}
    return {
        "id": number,
        "width": 1920,
        "height": 1080,
        "url": f"https://www.pexels.com/video/{number}/",
        "image": "https://images.example/1.jpg",
        "duration": 12,
        "user": {"id": 1, "name": f"Filmer {number}", "url": "https://www.pexels.com/@f"},
        "video_files": [stream, *files],
        "video_pictures": [],
    }
