"""`coupon-service walk`: the main job over HTTP, step by step, until the first surprise."""

import sys
import time
from ipaddress import ip_address

import click
from rich.console import Console

from coupon_service.core.resources import resources
from coupon_service.core.settings import Settings
from coupon_service.simulation.demo.people import DemoInProductionError, refuse_production
from coupon_service.simulation.http import Target
from coupon_service.simulation.season.files import XICHENG_2022, read_season
from coupon_service.simulation.walk import ar as walk_ar
from coupon_service.simulation.walk import community as walk_community
from coupon_service.simulation.walk import crowd as walk_crowd
from coupon_service.simulation.walk import fraud as walk_fraud
from coupon_service.simulation.walk import lottery as walk_lottery
from coupon_service.simulation.walk import office as walk_office
from coupon_service.simulation.walk import phone as walk_phone
from coupon_service.simulation.walk import settlement as walk_settlement
from coupon_service.simulation.walk import voucher as walk_voucher
from coupon_service.simulation.walk import waiting as walk_waiting
from coupon_service.simulation.walk.scene import Scene
from coupon_service.simulation.walk.visitor import SurpriseError


@click.command()
@click.option("--url", help="Address of the service, if it is not the one that runs here.")
def walk(url: str | None) -> None:
    """Do the main job over HTTP against a running service, and print what came back.

    From a resident's sign-in to a paid batch and a released fraud case, by way of a community's
    code, a phone's proof, an award, a lottery, a waiting list, and 500 clients at 100 seats. Needs
    the demo season and takes less than a minute. Every walk makes up new residents, so it can be
    repeated; the first surprise ends it with exit code 1.
    """
    settings = resources().settings
    console = Console(highlight=False, soft_wrap=True)
    began_s = time.monotonic()
    try:
        refuse_production(settings)
        address = (url or _own_address(settings)).rstrip("/")
        Target.of(address)
        scene = Scene(console, url=address, settings=settings, season=read_season(XICHENG_2022))
        console.print(f"A walk through {address}", markup=False)
        perform(scene)
    except (SurpriseError, DemoInProductionError, ValueError) as error:
        console.print(f"Surprise: {error}", style="bold red", markup=False)
        sys.exit(1)
    took_s = time.monotonic() - began_s
    console.print(f"{scene.steps_done} steps in {took_s:.0f} s, no surprise.", style="bold green")


def perform(scene: Scene) -> None:
    """All steps.

    Raises:
        SurpriseError: something came back that should not have.
    """
    office = walk_office.sign_in(scene)
    before = walk_office.look(scene, office)

    resident = walk_voucher.sign_in(scene)
    voucher = walk_voucher.claim_step(scene, resident)
    code = walk_voucher.draw_and_decode(scene, resident, voucher)
    till = walk_voucher.at_till(scene, walk_voucher.TILL)
    undone = walk_voucher.redeem(scene, till, voucher, code)
    walk_voucher.refuse_elsewhere(scene, resident, voucher)
    walk_voucher.reverse(scene, till, resident, voucher, undone)
    spent = walk_voucher.redeem_again(scene, till, resident, voucher, undone)

    awarded = walk_ar.award(scene, resident)
    virtual_fen = walk_ar.redeem(scene, resident, awarded)

    by_code = walk_community.claim_with_code(scene, resident)
    phone = walk_phone.bind(scene, resident)
    proven = walk_phone.redeem(scene, resident, phone, by_code)
    walk_community.awarded(scene, resident)

    walk_lottery.enter(scene, resident)
    walk_lottery.verify(scene)

    crowd = walk_crowd.oversell(scene, office)
    walk_waiting.hand_back_and_serve(scene, crowd)

    batch = walk_settlement.settle(scene, office, before["season_id"])
    walk_settlement.check_file(scene, office, batch)
    paid_fen = walk_settlement.bank_answers(scene, office, batch)

    case, suspicious = walk_fraud.make_pattern(scene, office)
    walk_fraud.release(scene, office, case, suspicious)

    walk_office.check_invariants(scene, office)
    paid = [spent, proven, *suspicious]
    done = walk_office.Done(
        # Two of the main job, the code's, and what that one earned. The one that was handed back
        # counts no more, the one served in its place does.
        issued=4 + len(crowd.lucky) + len(suspicious),
        redeemed=1 + len(paid),
        redeemed_fen=virtual_fen + sum(one.discount_fen for one in paid),
        paid_fen=paid_fen,
    )
    walk_office.compare(scene, office, before, done)


def _own_address(settings: Settings) -> str:
    """Where the service of these settings listens."""
    address = ip_address(settings.host)
    if address.is_unspecified:
        return f"http://localhost:{settings.port}"
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{host}:{settings.port}"
