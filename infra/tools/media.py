"""Make real media files with real encoders, for tests.

    python infra/tools/media.py DIR

DIR is replaced as a whole. Needs pillow, pillow-heif and imageio-ffmpeg, which brings an ffmpeg of its own. The content is the same on
every run; the bytes may differ between versions of the encoders. Tests find the files by enginetest.Tool(t, "media", NAME); the names
and what each file is for are in the functions below, the expected sizes in shared/media.
"""

import pathlib
import random
import shutil
import subprocess
import sys

import imageio_ffmpeg
import pillow_heif
from PIL import Image

SIZE = (640, 427)  # of pictures; odd on one side, so that swapped or rounded sides show
FILM = (320, 180)  # of films


def gradient(size=SIZE, shift=0):
    """A smooth picture, small in every format."""
    x = Image.linear_gradient("L").rotate(90).resize(size)
    y = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (x, y, Image.new("L", size, (40 + shift * 30) % 256)))


def noise(size):
    """A picture that does not compress."""
    w, h = size
    return Image.frombytes("RGB", size, random.Random(1).randbytes(w * h * 3))


def turned(orientation):
    """EXIF that says how a viewer must turn the picture."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def pictures(out):
    gradient().save(out / "picture.png")
    gradient().quantize(16).save(out / "palette.png")
    gradient().save(out / "picture.jpg", quality=80)
    gradient().save(out / "progressive.jpg", quality=80, progressive=True)
    for o in range(1, 9):
        gradient().save(out / f"turned-{o}.jpg", quality=60, exif=turned(o))
    # A colour profile longer than the first ranged read, so that the frame header lies behind it.
    gradient().save(out / "profile.jpg", quality=80, icc_profile=random.Random(2).randbytes(300_000))
    gradient().save(out / "picture.gif")
    frames = [gradient(shift=i) for i in range(5)]
    frames[0].save(out / "animated.gif", save_all=True, append_images=frames[1:], duration=80, loop=0)
    gradient().save(out / "lossy.webp", quality=70)
    gradient().save(out / "lossless.webp", lossless=True)
    clear = gradient()
    clear.putalpha(Image.linear_gradient("L").resize(SIZE))
    clear.save(out / "alpha.webp", quality=70, exif=turned(1))
    frames[0].save(out / "animated.webp", save_all=True, append_images=frames[1:], duration=80)
    gradient().save(out / "picture.avif", quality=60)
    gradient().save(out / "turned.avif", quality=60, exif=turned(6))
    frames[0].save(out / "animated.avif", save_all=True, append_images=frames[1:], duration=80, quality=50)
    pillow_heif.from_pillow(gradient()).save(out / "picture.heic", quality=60)
    pillow_heif.from_pillow(gradient((641, 427))).save(out / "odd.heic", quality=60)


def large_pictures(out):
    """Pictures longer than the first ranged read; large.png is about 11 MB, more than one part of a multipart upload."""
    noise((2000, 1900)).save(out / "large.png", compress_level=0)
    noise((700, 500)).save(out / "large.jpg", quality=90)
    noise((400, 300)).quantize(256).save(out / "large.gif")
    noise((500, 300)).save(out / "large.webp", lossless=True)
    noise((500, 300)).save(out / "large.avif", quality=95, speed=10)
    pillow_heif.from_pillow(noise((500, 300))).save(out / "large.heic", quality=95)


def other_pictures(out):
    """Pictures of types that are not allowed."""
    gradient((64, 64)).save(out / "picture.bmp")
    gradient((64, 64)).save(out / "picture.tiff")


def ffmpeg(out, name, *args, stdout=None):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-nostdin", *args, str(out / name) if stdout is None else "-"]
    subprocess.run(command, check=True, stdout=stdout)


VIDEO = ["-f", "lavfi", "-i", f"testsrc2=size={FILM[0]}x{FILM[1]}:rate=15:duration=2"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2:sample_rate=44100"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


def films(out):
    ffmpeg(out, "moov-last.mp4", *VIDEO, *SOUND, *H264, "-c:a", "aac")
    ffmpeg(out, "moov-first.mp4", "-i", str(out / "moov-last.mp4"), "-c", "copy", "-movflags", "+faststart")
    ffmpeg(out, "sound-first.mp4", "-i", str(out / "moov-last.mp4"), "-map", "0:a", "-map", "0:v", "-c", "copy")
    ffmpeg(out, "turned.mp4", "-display_rotation", "90", "-i", str(out / "moov-last.mp4"), "-c", "copy")
    ffmpeg(out, "fragmented.mp4", "-i", str(out / "moov-last.mp4"), "-c", "copy", "-movflags", "+frag_keyframe+empty_moov")
    ffmpeg(out, "film.mov", "-i", str(out / "moov-last.mp4"), "-c", "copy")
    ffmpeg(out, "turned.mov", "-display_rotation", "-90", "-i", str(out / "film.mov"), "-c", "copy")
    ffmpeg(out, "film.webm", *VIDEO, *SOUND, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus")
    ffmpeg(out, "film.mkv", "-i", str(out / "moov-last.mp4"), "-c", "copy")
    ffmpeg(out, "film.avi", *VIDEO, "-c:v", "mpeg4")


def sounds(out):
    ffmpeg(out, "sound.mp3", *SOUND, "-c:a", "libmp3lame", "-metadata", "title=Tone")
    ffmpeg(out, "untagged.mp3", *SOUND, "-c:a", "libmp3lame", "-id3v2_version", "0", "-write_xing", "0")
    ffmpeg(out, "low.mp3", *SOUND, "-c:a", "libmp3lame", "-ar", "16000")
    ffmpeg(out, "layer2.mp3", *SOUND, "-c:a", "mp2", "-f", "mp2")
    ffmpeg(out, "sound.wav", *SOUND)
    ffmpeg(out, "rf64.wav", *SOUND, "-rf64", "always")
    with open(out / "streamed.wav", "wb") as f:  # a pipe cannot be sought in, so the lengths stay open
        ffmpeg(out, "", *SOUND, "-f", "wav", stdout=f)
    ffmpeg(out, "vorbis.ogg", *SOUND, "-c:a", "libvorbis")
    ffmpeg(out, "opus.ogg", *SOUND, "-c:a", "libopus")
    ffmpeg(out, "sound.m4a", *SOUND, "-c:a", "aac")
    ffmpeg(out, "sound.aac", *SOUND, "-c:a", "aac")
    ffmpeg(out, "sound.flac", *SOUND)


def documents(out):
    gradient().save(out / "document.pdf")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python media.py DIR")
    target = pathlib.Path(sys.argv[1])
    out = target.with_name(target.name + ".new")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for make in (pictures, large_pictures, other_pictures, films, sounds, documents):
        make(out)
    shutil.rmtree(target, ignore_errors=True)
    out.rename(target)


main()
