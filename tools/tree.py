"""What belongs to the tree, and what of it changed: shared by the other tools."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def git(*arguments):
    """The output of git, or None if it fails (or this is no checkout)."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    except FileNotFoundError:
        return None
    return done.stdout.decode(errors="surrogateescape") if done.returncode == 0 else None


def files():
    """Every file of the tree, relative to ROOT: tracked ones and new ones that are not ignored."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is not None:
        names = [pathlib.Path(name) for name in listed.split("\0") if name]
        return sorted({path for path in names if (ROOT / path).is_file()})
    return sorted(path.relative_to(ROOT) for path in ROOT.rglob("*")
                  if path.is_file() and path.relative_to(ROOT).parts[0] not in ("build", ".git"))


def base_commit():
    """What "changed" is compared with: where this branch left main; on main itself, the last commit."""
    head = (git("rev-parse", "HEAD") or "").strip()
    candidates = [os.environ.get("BOXLITE_CHANGED_SINCE", "")]
    for upstream in ("origin/main", "main"):
        candidates.append((git("merge-base", "HEAD", upstream) or "").strip())
    candidates.append((git("rev-parse", "--verify", "HEAD~1") or "").strip())
    return next((commit for commit in candidates if commit and commit != head), None)


def changed_files():
    """Files that differ from base_commit(), uncommitted and new ones included; None: cannot be told."""
    base = base_commit()
    changed = git("diff", "-z", "--name-only", base) if base else None
    if changed is None:
        return None
    new = git("ls-files", "-z", "--others", "--exclude-standard") or ""
    names = {pathlib.Path(name) for name in (changed + new).split("\0") if name}
    return sorted(path for path in names if (ROOT / path).is_file())
