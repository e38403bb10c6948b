"""Reading a request's body, or its address, straight into the view's models.

The API description finds the models in the view's signature as ever. What its library would do with
a request takes several times as long: it parses a body, builds objects and validates those, and for
a query it describes the model anew each time.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast, get_type_hints

from flask import abort, request
from pydantic import BaseModel, ValidationError

from coupon_service.core.errors import MalformedJsonError
from coupon_service.core.schemas import Body
from coupon_service.core.web import invalid_request

View = TypeVar("View", bound=Callable[..., Any])
Read = TypeVar("Read", bound=Callable[..., Any])


def reads_json(view: View) -> View:
    """For a view whose only argument is `body`: validate the request's bytes in one pass."""
    model: type[Body] = get_type_hints(view)["body"]

    @wraps(view)
    def read() -> Any:
        if not request.is_json:
            raise MalformedJsonError
        try:
            body = model.model_validate_json(request.get_data())
        except ValidationError as error:
            abort(invalid_request(error))
        return view(body=body)

    return cast(View, _by_itself(read))


def reads_address(view: View) -> View:
    """For a view whose arguments are `path` and `query`."""
    hints = get_type_hints(view)
    path_model: type[BaseModel] = hints["path"]
    query_model: type[BaseModel] = hints["query"]
    nothing_asked = _valid(query_model)

    @wraps(view)
    def read(**parts: Any) -> Any:
        try:
            path = path_model.model_validate(parts)
            query = nothing_asked
            if query is None or request.query_string:
                query = query_model.model_validate(request.args.to_dict())
        except ValidationError as error:
            abort(invalid_request(error))
        return view(path=path, query=query)

    return cast(View, _by_itself(read))


def _valid(query_model: type[BaseModel]) -> BaseModel | None:
    """What an address without a query says; None if it has to say something."""
    try:
        return query_model()
    except ValidationError:
        return None


def _by_itself(read: Read) -> Read:
    # The library's word for "this view validates by itself".
    read.__delay_validate_request__ = True  # type: ignore[attr-defined]
    return read
