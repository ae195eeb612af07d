"""What the kernel says of processes and of connections."""
import os


def processes(parent, zombies=False):
    """{pid: name} of the children of a process; with those that have ended and
    that it has not noticed yet, if asked for."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as f:
                stat = f.read().decode("latin-1")
        except OSError:
            continue  # it has ended
        name, _, rest = stat.partition("(")[2].rpartition(")")
        fields = rest.split()
        if int(fields[1]) == parent and (zombies or fields[0] != "Z"):
            found[int(entry)] = name
    return found


def sleeps(pid):
    """Does it wait for something to happen, with nothing left to do?"""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            stat = f.read().decode("latin-1")
    except OSError:
        return True  # it is gone
    return stat.rpartition(")")[2].split()[0] == "S"


def not_accepted(address):
    """How many connections to it nobody has accepted yet. A client may have
    closed its end long since."""
    if isinstance(address, str):
        with open("/proc/net/unix", encoding="utf-8") as f:
            lines = [line.split() for line in f]
        return sum(line[5] == "02" and line[7:] == [address] for line in lines)
    port, n = f":{address[1]:04X}", 0
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(path):
            continue
        with open(path, encoding="ascii") as f:
            for line in f:
                local, _, state, queues = line.split()[1:5]
                if local.endswith(port) and state == "0A":  # it listens
                    n += int(queues.split(":")[1], 16)
                elif local.endswith(port) and state == "03":
                    n += 1  # the last packet of its handshake is on its way
    return n


def started(pid):
    """When a process was started, in ticks; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            stat = f.read().decode("latin-1")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])
