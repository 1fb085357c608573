# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of campaigns share: a folder of their own, and the builds that are there."""

import os
import shutil
import tempfile
import unittest

import builds as built

TOP = built.TOP
BUILD = os.environ.get("NOSNOOP_BUILD", os.path.join(TOP, "build"))
REAL = built.Builds(BUILD)


class Temporary(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="nosnoop-campaign-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def file(self, name, content="", mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content.encode() if isinstance(content, str) else content)
        os.chmod(path, mode)
        return path
