"""The same application as replicas on the machines of a Ray cluster (Ray Serve).

`python -m tl_core serve BUNDLE... --ray` on a machine of the cluster. Ray starts the replicas,
hands requests out, and replaces what is lost; answers, limits and addresses are those of `http`.
Bundles lie at the same path on every machine.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading

import ray
from fastapi import FastAPI
from ray import serve

from tl_core.errors import ConfigError
from tl_core.log import setup_logging
from tl_core.predict.serving.http import create_app
from tl_core.predict.serving.service import Serving
from tl_core.settings import read_settings

log = logging.getLogger(__name__)
NAME = "graft-studio"  # of the application in the cluster: serving again replaces what is there


def run(
    serving: Serving, host: str, port: int, replicas: int, gpus: float, drain: int = 30
) -> None:
    """Serve until SIGTERM or Ctrl-C; then what was accepted is answered, for at most `drain`
    seconds.

    Args:
        serving: what is served, and within which limits, by each replica.
        host: address that the proxies of the cluster listen on.
        port: their port.
        replicas: how many there are, each with models of its own.
        gpus: share of a GPU that each replica takes; 0 for processors alone.
        drain: seconds.

    Raises:
        ConfigError: when there is no cluster here, or it cannot carry so many.
    """
    _join()
    for number in (signal.SIGTERM, signal.SIGINT):  # only now, as Ray takes them when it joins
        signal.signal(number, signal.default_int_handler)
    try:
        _check_room(replicas, gpus)
        serve.start(http_options={"host": host, "port": port})
        serve.run(_application(serving, replicas, gpus, drain), name=NAME, route_prefix="/")
        log.info("%d replicas answer at http://%s:%d", replicas, host, port)
        threading.Event().wait()
    except KeyboardInterrupt:
        serve.delete(NAME)
    except RuntimeError as error:  # what Ray says of a deployment that failed
        raise ConfigError(
            "Ray could not start the replicas.",
            str(error).splitlines()[0],
            "`serve status` on the cluster says more; are the bundles there at the same path?",
        ) from error
    finally:
        ray.shutdown()


def _check_room(replicas: int, gpus: float) -> None:
    """Refuse more than the cluster has, for which Ray would wait without an end.

    Raises:
        ConfigError: in this case.
    """
    there = ray.cluster_resources()
    cores, cards = there.get("CPU", 0.0), there.get("GPU", 0.0)
    if replicas > cores or replicas * gpus > cards:
        raise ConfigError(
            f"{replicas} replicas do not fit in the cluster.",
            f"It has {cores:g} processors and {cards:g} GPUs; each takes one processor"
            + (f" and {gpus:g} of a GPU." if gpus else "."),
            "Set --workers or --gpus lower, or let more machines join.",
        )


def _join() -> None:
    """Become a process of the cluster that this machine belongs to.

    Raises:
        ConfigError: when there is none.
    """
    try:
        host, _, port = os.environ.get("RAY_ADDRESS", "").rpartition(":")
        if host and port.isdigit():  # Ray itself goes on trying for many minutes
            socket.create_connection((host, int(port)), timeout=5).close()
        ray.init(address="auto", log_to_driver=False, logging_level=logging.WARNING)
    except OSError as error:  # a ConnectionError is one
        raise ConfigError(
            "There is no Ray cluster here.",
            "--ray asks the cluster that this machine belongs to (RAY_ADDRESS, if it is set).",
            "Start it with `ray start --head`, or leave --ray out.",
        ) from error


def _application(serving: Serving, replicas: int, gpus: float, drain: int) -> serve.Application:
    """What the cluster is given: a class whose every instance is a whole server."""

    def build() -> FastAPI:
        setup_logging(as_json=read_settings().json_log)
        return create_app(serving)

    deployment = serve.deployment(
        name="bundles",
        num_replicas=replicas,
        max_ongoing_requests=serving.room,
        graceful_shutdown_timeout_s=drain,
        ray_actor_options={"num_cpus": 1, "num_gpus": gpus},
    )
    return deployment(serve.ingress(build)(_Replica)).bind()


class _Replica:
    """An instance of it in the cluster has the application."""
