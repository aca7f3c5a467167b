"""Addresses of the pages. A key may hold any character, a slash too, so it comes last."""

from django.urls import path

from factolake.mes.pages import signin
from factolake.mes.pages.views import act, admin, approvals, board, lots, orders, records, terminal

urlpatterns = [
    path("", records.start, name="start"),
    path("login", signin.sign_in, name="login"),
    path("logout", signin.sign_out, name="logout"),
    path("sign-on", signin.sign_on, name="sign_on"),
    path("setup", signin.first_admin, name="setup"),
    path("terminals/", terminal.terminals, name="terminals"),
    path("terminals/<str:station>/", terminal.terminal, name="terminal"),
    path("terminals/<str:station>/scan", terminal.scan, name="scan"),
    path("terminals/<str:station>/<str:verb>/<path:key>", terminal.report, name="report"),
    path("boards/", board.boards, name="boards"),
    path("boards/<str:line>/", board.board, name="board"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<path:key>", orders.order, name="order"),
    path("materials/", orders.materials, name="materials"),
    path("materials/<path:key>", orders.material, name="material"),
    path("lots/", lots.lots, name="lots"),
    path("lots/<path:key>", lots.lot, name="lot"),
    path("recall/<path:key>", lots.recall_list, name="recall"),
    path("records/", records.records, name="records"),
    path("records/<str:collection>/", records.collection, name="collection"),
    path("records/<str:collection>/<path:key>", records.record, name="record"),
    path("actions/<str:name>/", act.act, name="act"),
    path("actions/<str:name>/<path:key>", act.act, name="act"),
    path("approvals/", approvals.approvals, name="approvals"),
    path("people/", admin.people, name="people"),
    path("people/<path:key>", admin.person, name="person"),
    path("tokens/<path:key>", admin.token, name="token"),
    path("tablets/", admin.devices, name="devices"),
    path("audit/", admin.audit, name="audit"),
]
