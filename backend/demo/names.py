"""Invented names of the demo school. Any likeness to living people is chance."""

from collections.abc import Sequence
from random import Random

ADMINISTRATOR = "Anita Deshmukh"
TEACHERS = ("Meera Krishnan", "Rajesh Iyer", "Farah Siddiqui")

FIRST_NAMES = (
    *("Aadhya", "Aditi", "Aisha", "Akshara", "Amrita", "Ananya", "Anjali", "Anushka", "Avni", "Bhavya"),
    *("Charvi", "Deepika", "Diya", "Divya", "Eesha", "Fatima", "Gauri", "Harini", "Ira", "Ishita"),
    *("Jasleen", "Kavya", "Keerthana", "Khushi", "Lakshmi", "Mahima", "Manasi", "Meher", "Mira", "Nandini"),
    *("Navya", "Neha", "Nidhi", "Pooja", "Prisha", "Radhika", "Riya", "Roshni", "Saanvi", "Sanjana"),
    *("Shreya", "Simran", "Sneha", "Swati", "Tanvi", "Trisha", "Vaishnavi", "Vidya", "Yamini", "Zoya"),
    *("Aarav", "Abhinav", "Aditya", "Akash", "Aman", "Aniket", "Arjun", "Arnav", "Ayaan", "Bharat"),
    *("Chirag", "Daksh", "Dev", "Dhruv", "Faizan", "Gautam", "Gurpreet", "Harsh", "Hrithik", "Ishaan"),
    *("Jatin", "Kabir", "Karan", "Karthik", "Kunal", "Lakshya", "Manav", "Mohit", "Nakul", "Naveen"),
    *("Nikhil", "Omkar", "Parth", "Pranav", "Rahul", "Rajat", "Rohan", "Rudra", "Sahil", "Samar"),
    *("Sarthak", "Shaurya", "Siddharth", "Tejas", "Uday", "Varun", "Vedant", "Vihaan", "Vikram", "Yash"),
)
FAMILY_NAMES = (
    *("Agarwal", "Ahluwalia", "Bansal", "Banerjee", "Bhat", "Bose", "Chakraborty", "Chandran", "Chauhan", "Chopra"),
    *("Das", "Desai", "D'Souza", "Dutta", "Fernandes", "Gandhi", "Ghosh", "Gill", "Goswami", "Gowda"),
    *("Gupta", "Hegde", "Hussain", "Jain", "Jadhav", "Joshi", "Kapoor", "Kaur", "Khan", "Kulkarni"),
    *("Kumar", "Mahajan", "Malhotra", "Mathew", "Mehta", "Menon", "Mishra", "Mukherjee", "Nair", "Naidu"),
    *("Pandey", "Patel", "Patil", "Pillai", "Qureshi", "Rajan", "Rao", "Rathore", "Reddy", "Saxena"),
    *("Sharma", "Shetty", "Singh", "Sinha", "Srinivasan", "Thakur", "Tiwari", "Trivedi", "Varma", "Yadav"),
)
_BOARD_ADJECTIVES = (
    *("Amber", "Binary", "Brave", "Bright", "Calm", "Cosmic", "Crimson", "Curious", "Electric", "Elastic"),
    *("Gentle", "Golden", "Infinite", "Lucky", "Magnetic", "Midnight", "Nimble", "Noble", "Patient", "Polar"),
    *("Quiet", "Quick", "Radiant", "Silver", "Stellar", "Steady", "Thermal", "Turbo", "Velvet", "Vivid"),
)
_BOARD_NOUNS = (
    *("Asymptote", "Boson", "Carbon", "Catalyst", "Comet", "Electron", "Falcon", "Fractal", "Gecko", "Hornbill"),
    *("Integral", "Isotope", "Kestrel", "Lotus", "Matrix", "Mongoose", "Monsoon", "Neutrino", "Orbit", "Otter"),
    *("Parabola", "Peacock", "Photon", "Prism", "Quark", "Scalar", "Sparrow", "Tangent", "Tiger", "Vector"),
)


def full_names(dice: Random, count: int) -> tuple[str, ...]:
    """So many different names of people."""
    return _pairs(dice, FIRST_NAMES, FAMILY_NAMES, count)


def board_names(dice: Random, count: int) -> tuple[str, ...]:
    """Return this many different display names, none of which reveals a person."""
    return _pairs(dice, _BOARD_ADJECTIVES, _BOARD_NOUNS, count)


def _pairs(dice: Random, first: Sequence[str], second: Sequence[str], count: int) -> tuple[str, ...]:
    chosen = dice.sample(range(len(first) * len(second)), count)
    return tuple(f"{first[number % len(first)]} {second[number // len(first)]}" for number in chosen)
