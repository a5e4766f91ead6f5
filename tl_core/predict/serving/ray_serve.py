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
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import ray
from fastapi import FastAPI
from ray import serve

from tl_core.errors import ConfigError
from tl_core.log import setup_logging
from tl_core.predict.serving.http import create_app
from tl_core.predict.serving.service import Serving
from tl_core.settings import read_settings

log = logging.getLogger(__name__)
NAME = "graft-studio"  # of the application in the cluster
_LISTEN_SECONDS = 20.0  # that a proxy may take to listen


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
        _check_alone()
        serve.start(http_options={"host": host, "port": port})
        with _deployed(_application(serving, replicas, gpus, drain)):
            _check_address(host, port)
            log.info("%d replicas answer at http://%s:%d", replicas, host, port)
            threading.Event().wait()
    except KeyboardInterrupt:
        log.info("ended")
    except RuntimeError as error:  # what Ray says of a deployment that failed
        raise ConfigError(
            "Ray could not start the replicas.",
            str(error).splitlines()[0],
            "`serve status` on the cluster says more; are the bundles there at the same path?",
        ) from error
    finally:
        ray.shutdown()


@contextmanager
def _deployed(application: serve.Application) -> Iterator[None]:
    """Have an application in the cluster; with the last one its proxies go, too."""
    try:
        serve.run(application, name=NAME, route_prefix="/")
        yield
    finally:
        serve.delete(NAME)
        if not serve.status().applications:
            serve.shutdown()


def _check_alone() -> None:
    """Refuse to take the place of bundles that somebody else serves, who would end these as well.

    Raises:
        ConfigError: in this case.
    """
    if NAME in serve.status().applications:
        raise ConfigError(
            "This cluster serves bundles already.",
            "There is one server of a studio in a cluster.",
            "End the other one (`serve shutdown`, where it was killed); one server takes several"
            " bundles.",
        )


def _check_address(host: str, port: int) -> None:
    """Proxies that were there before listen where they always did.

    Raises:
        ConfigError: when none listens here.
    """
    reached = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    end = time.monotonic() + _LISTEN_SECONDS
    while time.monotonic() < end:
        with suppress(OSError):
            socket.create_connection((reached, port), timeout=1).close()
            return
        time.sleep(0.2)
    raise ConfigError(
        f"No proxy of the cluster listens on port {port}.",
        "Ray Serve was there before, with an address of its own.",
        "Give that one with --host and --port, or end it with `serve shutdown`.",
    )


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
        address = os.environ.get("RAY_ADDRESS", "")
        host, _, port = address.rpartition(":")
        if (
            "//" not in address and "[" not in address and port.isdigit()
        ):  # Ray itself goes on trying for many minutes
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
        # more than a replica lets in: so it is the replica that says that it is full, and at once
        max_ongoing_requests=2 * serving.room + 16,
        max_queued_requests=serving.room,
        graceful_shutdown_timeout_s=drain,
        ray_actor_options={"num_cpus": 1, "num_gpus": gpus},
    )
    return deployment(serve.ingress(build)(_Replica)).bind()


class _Replica:
    """An instance of it in the cluster has the application."""
