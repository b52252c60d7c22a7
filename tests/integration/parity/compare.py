"""Says in which observations of a case podman and boxlite differ, and whether the table explains it. Pure."""
import re

FIELDS = ("exit", "stdout", "stderr")


def observed(observations):
    """{"STEP FIELD": value} of what is compared."""
    return {f"{number} {field}": getattr(observation, field)
            for number, observation in enumerate(observations, start=1)
            for field in FIELDS if getattr(observation, field) is not None}


def is_as_explained(explained, value):
    if isinstance(explained, re.Pattern):
        return isinstance(value, str) and explained.fullmatch(value) is not None
    return explained == value


def complaints(case, podman, boxlite):
    """[(what is wrong, "STEP FIELD", podman's value, boxlite's value)]; empty: equal, or as explained."""
    ours, theirs = observed(boxlite), observed(podman)
    found = []
    for key in sorted(set(ours) | set(theirs) | set(case.differs), key=order):
        sides = (theirs.get(key), ours.get(key))
        explained = case.differs.get(key)
        if "cannot be done" in sides:
            found.append(("a step that cannot be done", key, *sides))
        elif explained is None:
            if sides[0] != sides[1]:
                found.append(("a difference without a reason", key, *sides))
        elif sides[0] == sides[1]:
            found.append(("now equal: remove the reason", key, *sides))
        elif not all(is_as_explained(*pair) for pair in zip(explained[:2], sides)):
            found.append((f"another difference than the one explained ({explained[2]})", key, *sides))
    return found


def order(key):
    step, field = key.split()
    return int(step), FIELDS.index(field)
