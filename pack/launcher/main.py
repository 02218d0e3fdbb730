"""Starts the plugin, a native program, in place of this Python process.

The host can start Python modules only, and it drops the execute bit of every file. So the programs, one per
processor, lie compressed in binaries.lzma, one after the other, and binaries.txt lists them in that order:

    amd64 8540286 <SHA-256 in hexadecimal>

The first start unpacks the right one next to this file. Later starts find it there and only have to run it, which is
why everything but os and sys is imported where it is needed. Where the folder cannot hold a program that runs (it is
read-only, full, or mounted noexec), a private folder under TMPDIR does, and failing that, memory.

Standard output belongs to the program. What goes wrong is one line on standard error, which the host shows.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIST = os.path.join(HERE, "binaries.txt")
ARCHIVE = os.path.join(HERE, "binaries.lzma")

# What the kernel calls a processor, and what the list calls it.
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}


class CannotStart(Exception):
    """Why the plugin cannot start, wherever it is put."""


class Program:
    """One line of the list: where a program lies in the archive, and how to recognise it."""

    def __init__(self, processor, offset, size, sha256):
        self.name = "plugin-" + processor
        self.offset = offset
        self.size = size
        self.sha256 = sha256
        # A whole program gets this time of last change, in seconds: any later write to it shows without reading it.
        # The number is even and has 31 bits, which every file system can store.
        self.stamp = 1_000_000_000 + 2 * int(sha256[:7], 16)


def main():
    program = chosen()
    failures = []
    for run in run_here, run_in_private_folder, run_in_memory:
        try:
            run(program)
        except OSError as error:
            failures.append(describe(error))
            warn_if_full(error)
    raise CannotStart(f"found no place to run {program.name} from: " + "; ".join(failures))


def warn_if_full(error):
    """A full disk is somebody's to clean up, even where the plugin finds another place."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        say(f"no space left to unpack the plugin ({describe(error)}); looking for another place")


def chosen():
    """Returns the program for this machine."""
    if not sys.platform.startswith("linux"):
        raise CannotStart(f"it runs on Linux, and this is {sys.platform}; connect it by remote debugging instead")
    machine = os.uname().machine
    wanted = PROCESSORS.get(machine)
    listed = []
    offset = 0
    try:
        with open(LIST, encoding="utf-8") as lines:
            for line in lines:
                processor, size, sha256 = line.split()
                if processor == wanted:
                    return Program(processor, offset, int(size), sha256)
                listed.append(processor)
                offset += int(size)
    except (OSError, ValueError) as error:
        raise CannotStart(f"{LIST} cannot be read ({describe(error)}); install the plugin again") from error
    raise CannotStart(f"this machine is {machine}, and the package holds programs for {', '.join(listed) or 'none'}")


def run_here(program):
    path = os.path.join(HERE, program.name)
    if not looks_whole(path, program):
        unpack_into(HERE, path, program)
    execute(path)


def looks_whole(path, program):
    """Tells from size, time and execute bit alone whether path is the program."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return False
    return status.st_size == program.size and status.st_mtime == program.stamp and status.st_mode & 0o111


def run_in_private_folder(program):
    folder = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"difyplugin-{os.geteuid()}-{program.sha256[:16]}")
    folder = os.path.abspath(folder)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    status = os.lstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode != 0o040700:
        raise PermissionError(1, "is not a folder of this user alone", folder)
    path = os.path.join(folder, program.name)
    if not is_whole(path, program):  # others could write to TMPDIR, so looks are not enough
        unpack_into(folder, path, program)
    execute(path)


def run_in_memory(program):
    descriptor = os.memfd_create(program.name)
    with open(descriptor, "wb", closefd=False) as file:
        for piece in unpacked(program):
            file.write(piece)
    execute(f"/proc/self/fd/{descriptor}")


def execute(path):
    """Becomes the program: same process, same environment, same standard streams. Returns by an OSError only."""
    try:
        os.execv(path, [path])
    except OSError as error:
        error.filename = path
        raise


def unpack_into(folder, path, program):
    """Puts the program at path, whole or not at all, however many processes do so at once."""
    if os.statvfs(folder).f_flag & os.ST_NOEXEC:
        raise PermissionError(1, "is mounted noexec", folder)
    lock = os.open(folder, os.O_RDONLY)
    try:
        alone = locked(lock)
        if not is_whole(path, program):  # another process may have been faster
            if alone:
                remove_leftovers(folder, program)
            write(path, program)
    finally:
        os.close(lock)


def locked(descriptor):
    """Waits until no other process unpacks. False where the file system has no locks: then all unpack at once."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def is_whole(path, program):
    """Compares every byte of path with the program, and marks it as whole if they agree."""
    import hashlib

    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size != program.size:
                return False
            while piece := file.read(1 << 20):
                digest.update(piece)
            if digest.hexdigest() != program.sha256:
                return False
            try:
                mark_whole(file.fileno(), program)
            except OSError:
                pass  # somebody else's file: the next start will compare again
    except OSError:
        return False
    return True


def mark_whole(descriptor, program):
    os.chmod(descriptor, 0o755)
    os.utime(descriptor, (program.stamp, program.stamp))


def remove_leftovers(folder, program):
    """Removes what killed processes left behind. Living ones would hold the lock."""
    for name in os.listdir(folder):
        if name.startswith(program.name + ".") and name.endswith(".partial"):
            os.unlink(os.path.join(folder, name))


def write(path, program):
    partial = f"{path}.{os.urandom(6).hex()}.partial"
    try:
        with open(partial, "xb") as file:
            for piece in unpacked(program):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            mark_whole(file.fileno(), program)
        os.replace(partial, path)
    except BaseException as error:
        try:
            os.unlink(partial)
        except OSError:
            pass
        if isinstance(error, OSError):
            error.filename = os.path.dirname(path)
        raise


def unpacked(program):
    """Yields the program from the archive in pieces. The last piece is followed by the check of all."""
    try:
        import hashlib
        import lzma
    except ImportError as error:
        raise CannotStart(f"{sys.executable} lacks a part of the standard library: {error}") from error

    digest = hashlib.sha256()
    try:
        with lzma.open(ARCHIVE) as archive:
            for _ in pieces(archive, program.offset):
                pass
            for piece in pieces(archive, program.size):
                digest.update(piece)
                yield piece
    except (OSError, EOFError, MemoryError, lzma.LZMAError) as error:
        raise CannotStart(f"{ARCHIVE} cannot be unpacked ({describe(error)}); install the plugin again") from error
    if digest.hexdigest() != program.sha256:
        raise CannotStart(f"{ARCHIVE} is damaged: {program.name} has the wrong SHA-256; install the plugin again")


def pieces(archive, size):
    """Yields the next size bytes of the archive."""
    while size:
        piece = archive.read(min(size, 1 << 20))
        if not piece:
            raise EOFError("it ends too early")
        size -= len(piece)
        yield piece


def describe(error):
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def say(message):
    print(*message.split(), file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        say("plugin cannot start: " + describe(error))
        sys.exit(1)
