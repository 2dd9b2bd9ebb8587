"""Protego's answers: reads [[robots, agent, [url, ...]], ...] on standard input, writes [[allowed, ...], ...]."""

import json
import sys

from protego import Protego


def answers(robots, agent, urls):
    rules = Protego.parse(robots)
    return [rules.can_fetch(url, agent) for url in urls]


json.dump([answers(*case) for case in json.load(sys.stdin)], sys.stdout)
