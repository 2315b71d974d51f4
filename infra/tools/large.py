"""Makes the sample files that are too large for a direct upload: python large.py OUTDIR

large-noise.png  a picture of noise, 2000 x 1900, about 11.4 MB (noise does not compress)
large-film.mp4   a film with a noisy picture, 1280 x 720, about 11 MB, its moov box at the end
large-photo.jpg  a noisy picture, 3000 x 2000, between 4 MiB and 11 MB
"""

import pathlib
import random
import subprocess
import sys

import imageio_ffmpeg
from PIL import Image


def noise(width: int, height: int) -> Image.Image:
    """The same noise on every run, so that every run uploads the same bytes."""
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def film(target: pathlib.Path) -> None:
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error",
            "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=8,noise=alls=60:allf=t",
            "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
            "-b:v", "12M", "-minrate", "12M", "-maxrate", "12M", "-bufsize", "2M",
            str(target),
        ],
        check=True,
    )


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    noise(2000, 1900).save(out / "large-noise.png")
    noise(3000, 2000).save(out / "large-photo.jpg", quality=85)
    film(out / "large-film.mp4")


main()
