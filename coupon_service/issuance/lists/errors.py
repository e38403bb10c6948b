"""Refusals about lists of residents and grants."""

from http import HTTPStatus

from coupon_service.core.errors import ConflictError, InvalidRequestError, NotFoundError


class ListNotFoundError(NotFoundError):
    slug = "list-not-found"
    title = "There is no such list"
    sentence = "没有找到这份名单。"


class ListFileMissingError(InvalidRequestError):
    slug = "list-file-missing"
    title = "No file came, or it names nobody"
    sentence = "请选择名单文件；首行为列名，其后每行一人。"


class ListNotCsvError(InvalidRequestError):
    slug = "list-not-csv"
    title = "The file is not CSV text in UTF-8 or GB18030"
    sentence = "这不是 CSV 文件。请在表格软件中选择“另存为”，类型选“CSV UTF-8”，再上传。"


class ListHeaderError(InvalidRequestError):
    slug = "list-header"
    title = "The first line names neither an ID number's nor a phone's column"
    sentence = "首行缺少列名。请把号码所在列的首行写为“身份证号”或“手机号”。"


class ListTooLongError(InvalidRequestError):
    """`lines_max` and `bytes_max` say how much a list may hold."""

    slug = "list-too-long"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The file holds more than one list may"
    sentence = "名单超过 50 万行或 32 MB，请分成几份上传。"


class ListNotReadyError(ConflictError):
    slug = "list-not-ready"
    title = "The list is still being imported, or has been discarded"
    sentence = "名单还没有导入完，或已经作废。"


class ListInUseError(ConflictError):
    slug = "list-in-use"
    title = "A grant or a campaign relies on the list"
    sentence = "已有发放或活动使用这份名单，不能作废。"


class GrantNotFoundError(NotFoundError):
    slug = "grant-not-found"
    title = "There is no such grant"
    sentence = "没有找到这次发放。"


class GrantExistsError(ConflictError):
    slug = "grant-exists"
    title = "The release is given to a list already"
    sentence = "这个批次已经在按名单发放。"


class NotForGrantError(ConflictError):
    slug = "not-for-grant"
    title = "The release is not one that is given to a list of this season"
    sentence = "只能选择本消费季中按名单发放、且已发布的批次。"
