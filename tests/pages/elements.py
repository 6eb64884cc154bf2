"""What tests read from a page that was drawn by `AppTest`."""


def button(test, label):
    return next(one for one in test.button if one.label == label)


def texts(elements):
    return " ".join(element.value for element in elements).replace("\\", "")
