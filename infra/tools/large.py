"""Make the sample files whose size matters: python infra/tools/large.py DIR

edge.png        a picture of exactly 4 MiB, the most that a direct upload takes
large-film.mp4  a film of more than 11 MB, its moov box at the end
"""

import pathlib
import random
import subprocess
import sys

import imageio_ffmpeg
from PIL import Image
from PIL.PngImagePlugin import PngInfo

DIRECT_LIMIT = 4 * 1024 * 1024  # bytes


def edge(target):
    """Noise, filled up with a comment to the byte: a tEXt chunk is 12 bytes, a keyword, a zero byte and the text."""
    picture = Image.frombytes("RGB", (1200, 1150), random.Random(3).randbytes(1200 * 1150 * 3))
    picture.save(target)
    keyword = "Comment"
    comment = PngInfo()
    comment.add_text(keyword, "x" * (DIRECT_LIMIT - target.stat().st_size - 12 - len(keyword) - 1))
    picture.save(target, pnginfo=comment)
    if target.stat().st_size != DIRECT_LIMIT:
        sys.exit(f"{target} has {target.stat().st_size} bytes, not {DIRECT_LIMIT}")


def film(target):
    """A test picture with noise, which no encoder makes small."""
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error",
            "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=8,noise=alls=60:allf=t",
            "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", "14M", str(target),
        ],
        check=True,
    )
    if target.stat().st_size < 11_000_000:
        sys.exit(f"{target} has only {target.stat().st_size} bytes")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    edge(out / "edge.png")
    film(out / "large-film.mp4")


main()
