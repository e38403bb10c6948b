"""What is refused about webhooks."""

from coupon_service.core.errors import ConflictError, InvalidRequestError, NotFoundError


class WebhookAddressError(InvalidRequestError):
    slug = "webhook-address-refused"
    title = "Webhooks go to public https addresses only"
    sentence = "通知地址须以 https:// 开头，且能从公网访问。"


class WebhookEndpointNotFoundError(NotFoundError):
    slug = "webhook-endpoint-not-found"
    title = "There is no such webhook endpoint"
    sentence = "没有找到该通知地址。"


class WebhookDeliveryNotFoundError(NotFoundError):
    slug = "webhook-delivery-not-found"
    title = "There is no such webhook delivery"
    sentence = "没有找到该条通知。"


class TooManyWebhookEndpointsError(ConflictError):
    slug = "too-many-webhook-endpoints"
    title = "The merchant has as many webhook endpoints as it may have"
    sentence = "通知地址数量已达上限，请先删除不用的。"


class WebhookEndpointStoppedError(ConflictError):
    slug = "webhook-endpoint-stopped"
    title = "Nothing is sent to this webhook endpoint; start it first"
    sentence = "该通知地址已停用，请先启用。"


class WebhookTopicsError(InvalidRequestError):
    slug = "webhook-topics-missing"
    title = "Name at least one kind of event"
    sentence = "请至少选择一种事件。"


class WebhookEndpointActiveError(ConflictError):
    slug = "webhook-endpoint-active"
    title = "Stop the webhook endpoint before it is removed"
    sentence = "请先停用该通知地址，再删除。"
