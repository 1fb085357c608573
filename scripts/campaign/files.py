# SPDX-License-Identifier: GPL-2.0-only
"""Files that are there whole or not at all, and inputs by their content."""

import hashlib
import json
import os
import shutil
import tempfile

OP_SIZE = 32  # bytes of a record in a program's binary form, behind one byte for the version
OP_VERSION = b"\1"


def save(path, data):
    """Bytes or text; never half-written, the old ones stay until the new ones are complete."""
    data = data.encode() if isinstance(data, str) else data
    fd, name = tempfile.mkstemp(prefix=".new-", dir=os.path.dirname(path))
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def save_json(path, value):
    save(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def load_json(path, otherwise=None):
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return otherwise


def read(path):
    with open(path, "rb") as f:
        return f.read()


def sha1(data):
    return hashlib.sha1(data).hexdigest()


def inputs(folder):
    """Paths of the visible files of a folder, in order; none where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(e.path for e in entries if e.name[0] != "." and e.is_file())
    except FileNotFoundError:
        return []


def folders(folder):
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if e.name[0] != "." and e.is_dir())
    except FileNotFoundError:
        return []


def size(folder):
    """Bytes of all visible files."""
    total = 0
    for path in inputs(folder):
        try:
            total += os.path.getsize(path)
        except FileNotFoundError:
            pass
    return total


def link(source, to):
    """The same content under another name; False: it is there already, or has gone."""
    try:
        os.link(source, to)
    except (FileExistsError, FileNotFoundError):
        return False
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, to)
    return True


def whole_program(data):
    """The same program in the form that tools insist on: an engine's bytes may end within a record."""
    records = data[1:]
    return OP_VERSION + records + bytes(-len(records) % OP_SIZE)


def replace_folder(new, path):
    """@new becomes @path; what was there goes when the new one stands."""
    old = os.path.join(os.path.dirname(path), ".old-" + os.path.basename(path))
    shutil.rmtree(old, ignore_errors=True)
    if os.path.exists(path):
        os.rename(path, old)
    os.rename(new, path)
    shutil.rmtree(old, ignore_errors=True)
