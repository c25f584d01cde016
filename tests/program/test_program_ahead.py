from graphlab.program.ahead import Place, ghosts
from graphlab.trace.records import Ghost

NET = """import torch
class Net(nn.Module):
    def forward(self, x):
        x = self.fc1(x)
        x = torch.relu(x)
        return self.fc2(x)
net = Net()
for epoch in range(10):
    pred = net(x)
    loss = loss_fn(pred, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
"""


def test_steps_of_the_function_then_of_its_callers() -> None:
    assert ghosts(NET, Place(4, 12, 4, 23), [Place(9, 11, 9, 17)]) == [
        Ghost("relu", ["x"], "x", 5),
        Ghost("fc2", ["x"], "pred", 6),
        Ghost("loss_fn", ["pred", "y"], "loss", 10),
        Ghost("backward", ["loss"], "", 12),
        Ghost("step", [], "", 13),
    ]


def test_rest_of_the_failing_expression_comes_first() -> None:
    assert ghosts("out = ((w * x + b) ** 2).mean()\n", Place(1, 8, 1, 13)) == [
        Ghost("add", ["w * x", "b"], "w * x + b", 1),
        Ghost("pow", ["w * x + b"], "(w * x + b) ** 2", 1),
        Ghost("mean", ["(w * x + b) ** 2"], "out", 1),
    ]


def test_without_columns_only_the_statements_after_it() -> None:
    assert ghosts("a = x + y\nb = a.sum()\n", Place(1)) == [Ghost("sum", ["a"], "b", 2)]


def test_what_is_no_step_is_left_out() -> None:
    source = "a = x + y\nprint(a)\nfor i in range(3):\n    n = len(a)\n    b = float(n)\nc = F.softmax(a, dim=1)\n"
    assert ghosts(source, Place(1, 4, 1, 9)) == [Ghost("softmax", ["a"], "c", 6)]


def test_augmented_assignment_is_a_step() -> None:
    assert ghosts("a = x + y\na += z\n", Place(1, 4, 1, 9)) == [Ghost("add_", ["a", "z"], "a", 2)]


def test_places_count_characters() -> None:
    assert ghosts("é = 'ü'; out = (x + y).relu()\n", Place(1, 16, 1, 21)) == [Ghost("relu", ["x + y"], "out", 1)]


def test_a_text_that_is_no_program_has_no_future() -> None:
    assert ghosts("x = (", Place(1)) == []
    assert ghosts("", Place(7)) == []


def test_long_programs_are_cut() -> None:
    source = "a = x + y\n" + "a = relu(a)\n" * 500
    assert len(ghosts(source, Place(1, 4, 1, 9))) == 40


def test_what_is_only_printed_is_no_step() -> None:
    source = "y = a + b\nprint(f'{epoch + 1}', (y * 2).mean())\nz = y.exp()\n"
    assert [ghost.label for ghost in ghosts(source, Place(1))] == ["exp"]
