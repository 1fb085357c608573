# SPDX-License-Identifier: GPL-2.0-only
"""
What one engine has found, given to the others, at the ends of slices.

AFL++ reads the queues of its neighbours in afl/TARGET that carry a file is_main_node. What other engines find becomes such a
neighbour: afl/TARGET/pool-LANE/queue, one for each lane, so that nobody has to wait for a lock. libFuzzer and the built-in
fuzzer get the pools of all lanes and the queues of AFL++'s mains (which collect from their secondaries), as far as they are new.
"""

import json
import os
import shutil
import subprocess

import files
import workers

UNJUDGED = "unjudged"  # a verdict of ours: the replayer could say nothing about that input
BATCH = 400  # inputs on one command line
# Inputs brought in for one slice, the newest: each is run before anything new is tried.
AT_ONCE = {"libfuzzer": 2000, "libfuzzer-asan": 300, "builtin": 2000}


def verdicts(replayer, paths, env, timeout=1800):
    """What fuzz-NAME-replay --json says, an object for each input, in order."""
    out = []
    for at in range(0, len(paths), BATCH):
        done = subprocess.run([replayer, "--json", *paths[at:at + BATCH]], env=os.environ | env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{os.path.basename(replayer)}: {done.stderr.decode(errors='replace').strip()[:200]}")
        out += [json.loads(line) for line in done.stdout.decode(errors="replace").splitlines()]
    return out


def judged(replayer, paths, env):
    """As verdicts(), but where the replayer gives up, by halves, so that only the input that it gives up on is UNJUDGED."""
    if not paths:
        return []
    try:
        said = verdicts(replayer, paths, env)
        if len(said) != len(paths):
            raise ValueError(f"{os.path.basename(replayer)}: {len(said)} verdicts on {len(paths)} inputs")
        return said
    except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as e:
        if len(paths) == 1:
            return [{"verdict": UNJUDGED, "said": str(e)}]
    half = len(paths) // 2
    return judged(replayer, paths[:half], env) + judged(replayer, paths[half:], env)


def harmless(replayer, paths, env):
    """Those that no engine stumbles over when it begins."""
    return [p for p, v in zip(paths, judged(replayer, paths, env)) if v["verdict"] == "ok"] if paths else []


class Exchange:
    """Of one lane, for as long as its process lives; what it remembers is only there to save time."""

    def __init__(self, ctx, lane):
        self.ctx, self.lane, self.seen, self.pools = ctx, lane, {}, {}

    # --- to a worker

    def sources(self, target):
        """Queues worth reading: pools, mains, what was set aside; of few AFL++ workers all."""
        names = files.folders(self.ctx.place.afl(target))
        afl = [n for n in names if not n.startswith("pool-")]
        aside = [n for n in afl if workers.owner(n) != n]
        mains = [n for n in afl if n not in aside and os.path.exists(self.ctx.place.afl(target, n, "is_main_node"))]
        chosen = afl if len(afl) <= 4 or not mains else mains + aside
        return [n for n in names if n.startswith("pool-") and n != f"pool-{self.lane}"] + chosen

    def news(self, target, reader):
        """Paths that @reader has not been given by this process."""
        seen = self.seen.setdefault((target, reader), set())
        for name in self.sources(target):
            for path in files.inputs(self.ctx.place.afl(target, name, "queue")):
                if path not in seen:
                    seen.add(path)
                    yield path

    def newest(self, spec):
        """(content, path), as many as a slice stands."""
        found = []
        for path in self.news(spec.target, spec.name):
            try:
                found.append((os.path.getmtime(path), path))
            except FileNotFoundError:
                pass
        for _, path in sorted(found)[-AT_ONCE[spec.kind]:]:
            try:
                yield files.read(path), path
            except FileNotFoundError:  # AFL++ renames what it has looked at
                pass

    def bring(self, worker):
        spec = worker.spec
        if spec.kind.startswith("libfuzzer"):
            self.to_libfuzzer(spec)
        elif spec.kind == "builtin":
            self.to_builtin(spec)

    def to_libfuzzer(self, spec):
        folder = self.ctx.place.made("libfuzzer", spec.target, spec.name, "import")
        # Names of artifacts end in the sum of what is in them: what ended this worker once would do so at once.
        bad = {p.rsplit("-", 1)[-1] for p in files.inputs(self.ctx.place.own(spec, "artifacts"))}
        for data, path in self.newest(spec):
            if files.sha1(data) not in bad:
                files.link(path, os.path.join(folder, files.sha1(data)))
        for loaded in (folder, self.ctx.place.made("corpus", spec.target)):
            for name in bad & set(os.listdir(loaded)):
                os.unlink(os.path.join(loaded, name))

    def to_builtin(self, spec):
        folder = self.ctx.place.own(spec) + ".import"
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for data, _ in self.newest(spec):
            data = files.whole_program(data)
            files.save(os.path.join(folder, files.sha1(data) + ".bin"), data)

    # --- from a worker

    def take(self, worker):
        spec = worker.spec
        if spec.kind.startswith("libfuzzer"):
            self.pool(spec, files.inputs(self.ctx.place.own(spec, "corpus")))
        elif spec.kind == "builtin":
            known = self.in_pool(spec.target)
            new = [p for p in files.inputs(self.ctx.place.own(spec, "corpus")) if files.sha1(files.read(p)) not in known]
            replayer = self.ctx.builds.replayer(spec.target)
            # It keeps what reaches a state, also where that breaks a rule.
            self.pool(spec, harmless(replayer, new, self.ctx.env) if replayer else [])

    def in_pool(self, target):
        """Sums of what this lane has given; the names tell, so that a lane that starts again goes on."""
        if target not in self.pools:
            queue = self.ctx.place.made("afl", target, f"pool-{self.lane}", "queue")
            open(self.ctx.place.afl(target, f"pool-{self.lane}", "is_main_node"), "w", encoding="utf-8").close()
            self.pools[target] = {os.path.basename(p).rsplit("sha:", 1)[-1] for p in files.inputs(queue)}
        return self.pools[target]

    def pool(self, spec, paths):
        known = self.in_pool(spec.target)
        for path in paths:
            name = files.sha1(files.read(path))
            if name in known:
                continue
            # AFL++ reads them by number, and remembers up to which it has come.
            files.link(path, self.ctx.place.afl(spec.target, f"pool-{self.lane}", "queue",
                                                f"id:{len(known):06d},src:{spec.name},sha:{name}"))
            known.add(name)
