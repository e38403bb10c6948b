"""The manifest of a package: what `create_app` finds in `<package>/module.py` as `MODULE`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import click
from flask import Blueprint, Flask
from flask_openapi3 import APIBlueprint

from coupon_service.core.auth import Authenticator, Kind
from coupon_service.core.invariants import Invariant
from coupon_service.core.jobs import Job


@dataclass(frozen=True)
class Module:
    """What one package brings to the application.

    Attributes:
        apis: JSON blueprints, described in `/openapi.json`.
        pages: HTML blueprints.
        jobs: background work.
        commands: commands of `coupon-service`.
        invariants: what must always hold of this package's tables.
        authenticators: how each kind of principal this package owns proves itself without a cookie.
        setup: called once per application, after its resources exist.
    """

    name: str
    apis: Sequence[APIBlueprint] = ()
    pages: Sequence[Blueprint] = ()
    jobs: Sequence[Job] = ()
    commands: Sequence[click.Command] = ()
    invariants: Sequence[Invariant] = ()
    authenticators: Mapping[Kind, Authenticator] = field(default_factory=dict)
    setup: Callable[[Flask], None] | None = None
