import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from config.kernel import clock
from integrations.inbox import doors, keeping
from integrations.inbox.hooks import Forged, hook_for

logger = logging.getLogger(__name__)
LARGEST = 1024**2  # bytes of one request


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str, token: str) -> HttpResponse:
    """Keep the words, commit, answer 200; whoever comes by another address than the secret one finds nothing here.

    The log never names the token; a provider that repeats itself is heard once.
    """
    hook = hook_for(provider)
    if hook is None or not doors.opens(provider, token):
        logger.warning("Somebody brought news to an address that is none")
        return HttpResponse(status=404)
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return HttpResponse(status=413)
    try:
        signed = hook.is_signed(body=body, headers=request.headers, address=doors.address(provider))
    except Forged:
        logger.warning("News of %s came with a wrong signature", provider)
        return HttpResponse(status=403)
    keeping.keep(provider=provider, items=keeping.items_of(hook, body), signed=signed, at=clock.now())
    return HttpResponse(status=200)
